"""One page for each generator: what its records say under the seven criteria of the FDA's scorecard.

Zamzmi et al. 2025, doi:10.1038/s44172-025-00450-1. ``criteria`` reads a board, ``reading`` asks people, ``page`` prints
both. Nothing is measured here: a criterion without a number on record stays blank and says why.
"""
