"""Downstream tasks: ``utility`` trains segmentation networks on generated images and tests them on real subjects."""
