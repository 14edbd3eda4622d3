"""Beyond one slice: registration of two times of a heartbeat, and stacks of neighbouring slices."""
