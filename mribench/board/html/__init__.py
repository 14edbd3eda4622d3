"""A board as one HTML file that needs nothing else: no network, no server, no JavaScript to be read.

``view`` asks the board once and returns plain values, ``templates/`` print them, and drawings are made in Python.
Change texts and structure in the templates. They compute nothing, and all that they print is escaped.
"""
