"""The memorisation audit: does a generator give back its training patients?

``examine`` looks at images, ``losses`` and ``membership`` at the network, ``verdict`` decides. Another sign of copying
belongs here; whoever changes what a verdict may be raises ``verdict.VERSION``. ``mribench.calibration`` tests it.
"""
