"""Records that somebody has changed."""


def edited(result):
    """As it is read where its digest does not match."""
    object.__setattr__(result, "edited", True)
    return result
