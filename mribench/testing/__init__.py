"""The conformance kit: what a plugin must hold to, for its author, its own tests, and ours.

Each kind of plugin has one file of checks, ``CHECKS`` at its end. A new check belongs in the file of its kind and must
hold for every installed plugin. What is exported here is public.

In a plugin's tests::

    from mribench.testing import conforms
    test_knee = conforms("modalities", "knee")

On the command line ``mribench plugin check knee``. pytest is needed for the first only.
"""

from mribench.testing.kit import Finding, check, checks, conforms

__all__ = ["Finding", "check", "checks", "conforms"]
