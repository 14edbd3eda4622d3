"""From results to boards, and every form in which a board is shown.

``group`` decides which results may be compared, ``rows`` aggregates seeds, ``boards`` judges; ``columns`` holds the
tables, and the other modules print them. A new column belongs here; nothing here computes a metric or reads an image.
"""
