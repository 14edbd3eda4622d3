"""From results to boards: what may stand together, how rows rank, and every form a board is shown in.

``boards`` decides comparability, ``rows`` aggregates seeds, ``ranks`` judges; the others only show it. A new column or
another form of the board belongs here; nothing here computes a metric or reads an image.
"""
