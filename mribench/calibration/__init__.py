"""What the memorisation audit finds in cheats and in honest generators: ``mribench audit calibrate``.

A new cheat belongs in ``cheats``; the audit itself is in ``mribench.audit``.
And how often the intervals of a board hold the truth: ``coverage``, on the simulated boards of ``worlds``.
"""
