"""One training from a variant and a split to a diffusers pipeline folder.

``train`` is read first, ``step`` is one optimiser step. What depends on the machine (loading, memory, fused modules)
changes no number beyond rounding; what changes numbers raises ``TRAIN_VERSION`` in ``mribench.runner.cell``.
"""
