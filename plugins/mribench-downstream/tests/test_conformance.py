"""The tasks and metrics, held to the kit."""

from mribench.testing import conforms

test_utility = conforms("tasks", "utility")
test_dice = conforms("metrics", "utility_synthetic")
test_gain = conforms("metrics", "utility_gain_10")
test_segmentation = conforms("tasks", "segmentation")
test_purification = conforms("tasks", "purification")
test_distance = conforms("metrics", "segmentation_hd95_5")
