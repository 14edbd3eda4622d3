"""How plugins are found, loaded, diagnosed and written (``mribench plugin new``).

``lookup`` is the only place that reads entry points. A new kind of plugin needs its group there, a template here
and its checks in ``mribench.testing``.
"""
