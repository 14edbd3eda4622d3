"""Every variant holds to the kit: also that it learns a toy, the private one under its noise."""

from mribench.testing import conforms

test_dp_sgd_8 = conforms("variants", "dp-sgd-8")
test_dp_sgd_inf = conforms("variants", "dp-sgd-inf")
test_fed_avg = conforms("variants", "fed-avg")
