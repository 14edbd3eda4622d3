"""Dataset cards: what is known of a dataset's source, licence, reading and subjects, and what follows from it.

``card`` is the value, ``parse`` reads one from TOML, ``catalogue`` finds all; ``rules`` and ``terms`` say what a card
decides for images and for their users. To add a card write a TOML file (registry/README.md); nothing here is edited.
"""
