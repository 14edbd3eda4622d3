"""From a trained pipeline to images: samplers, forward processes, and models as tasks see them.

A new sampler is one value in ``samplers`` or in a plugin; image i depends on (seed, i) alone.
"""
