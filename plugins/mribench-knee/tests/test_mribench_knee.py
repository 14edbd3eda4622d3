from mribench.testing import conforms

test_knee = conforms("modalities", "knee")
