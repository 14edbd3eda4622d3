"""``mribench speed``: what this machine does per second, ours beside a reference, interleaved in one process."""
