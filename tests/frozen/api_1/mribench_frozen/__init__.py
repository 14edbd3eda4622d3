"""One plugin of each kind, as ``mribench plugin new`` wrote them for API 1. Never edited: it must keep working."""
