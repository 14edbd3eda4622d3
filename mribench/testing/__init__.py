"""The conformance kit: what a plugin must hold to, for its author, its own tests, and ours.

In a plugin's tests::

    from mribench.testing import conforms
    test_knee = conforms("modalities", "knee")

On the command line ``mribench plugin check knee``. pytest is needed for the first only.
"""

from mribench.testing.kit import Finding, check, checks, conforms

__all__ = ["Finding", "check", "checks", "conforms"]
