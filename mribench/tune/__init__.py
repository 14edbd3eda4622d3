"""Settings and samplers weighed at equal cost on validation subjects: ``mribench tune``.

Nothing here touches test subjects. New candidates belong in ``candidates``.
"""
