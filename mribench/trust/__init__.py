"""Whether a feature space may rank: it must ignore what no eye can see and notice what any eye can.

``changes`` alter real images, ``examine`` tests one space on one set of them, ``survey`` is ``mribench trust``. A
further change belongs in ``changes``; every space is then examined anew.
"""
