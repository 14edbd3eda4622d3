"""Variants: ``ddpm``, which is trained, and the controls, which only look at the training images.

A family of generators is one short file, here or in a plugin, and an entry point in ``mribench.variants``. An edit of
its functions makes another variant: they are hashed.
"""
