"""Translation between contrasts: an image from other contrasts of the same slice."""
