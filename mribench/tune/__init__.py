"""``mribench tune``: which settings of a profile, and which samplers, give the best samples for the same cost.

Scores are taken against the validation subjects; no module here may look at test subjects. A new setting to compare
belongs in ``candidates``.
"""
