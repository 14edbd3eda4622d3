"""Sharing: what of a run may leave this machine, as a folder, on the Hugging Face Hub, or in one file.

cells -> rules (may it leave?) -> stage (a folder without a trace of this machine) -> push or pack; pull and unpack
bring it back as a run folder. Each of ``push``, ``pull``, ``pack`` and ``merge`` is a module with one such verb.
"""
