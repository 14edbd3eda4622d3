"""Segmentation by generative models on masks: label maps drawn given the image, beside deterministic networks."""
