"""What the memorisation audit finds in cheats and in honest generators: ``mribench audit calibrate``.

A new cheat belongs in ``cheats``; the audit itself is in ``mribench.audit``.
"""
