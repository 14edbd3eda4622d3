"""Sharing: what of a run may leave this machine, as repositories on the Hugging Face Hub or as one file.

cells -> release (may it leave?) -> staging (redact, scan) -> push or pack; pull and unpack make a run folder again,
and ``drawing`` draws from either. ``plain`` says what diffusers opens alone, with ``pipeline``, which is shipped.
A new kind of file or trace must be known to ``layout`` and ``leak_scan`` before it can leave.
"""
