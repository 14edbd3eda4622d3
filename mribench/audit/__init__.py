"""The memorisation audit: does a generator give back its training patients, or those it is tested on?

``examine`` looks at images, ``losses`` and ``membership`` at the network, ``verdict`` decides. ``match`` finds what an
image may be a copy of: ``coarse`` chooses candidates, ``closer`` compares them. ``copies`` asks how many there are,
``depth`` how near the nearest comes. Another sign of copying belongs here; whoever changes what a verdict may be raises
``verdict.VERSION``. ``mribench.calibration`` tests it.
"""
