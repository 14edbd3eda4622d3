"""File formats: one file per format, each with a ``Reader`` (``mribench.spec``), and one table of the installed ones.

``folder`` finds the image files of a data set and reads them, ``table`` says which reader takes which file.
A new format is a package with an entry point in the group ``mribench.readers``; nothing here has to be edited.
"""
