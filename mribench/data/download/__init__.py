"""The files of open cards: fetched from their mirrors, proved by sha256, unpacked, put in place by one rename.

``fetch`` is what others call. What comes from outside is not trusted: sizes, names and archives are checked here.
"""
