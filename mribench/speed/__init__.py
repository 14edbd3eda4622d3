"""``mribench speed``: how fast this machine trains, samples, scores and starts.

``clock`` says how is timed, ``report`` what. A new optimisation gets an entry in ``ablation``, so that the table shows
what it is worth; names of rows stay, because published records hold them.
"""
