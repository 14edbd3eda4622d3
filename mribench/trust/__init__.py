"""Whether a feature space may rank: it must ignore what no eye can see and notice what any eye can.

``changes`` are what is done to real images, ``examine`` tests one space on one set of images, and ``survey`` is
``mribench trust``. A further change belongs in ``changes``; it makes every recorded answer a new one.
"""
