"""Score what exists: images or models that were made elsewhere, on the boards and by the protocol of ``mribench run``.

``sources`` reads what is to be scored, ``data`` what it is scored against, ``beside`` the rows that it is to stand
beside; ``placing`` runs the tasks and finds the board, and ``score`` puts them together. ``questions`` writes what a
task asks of held-out images, and ``restored`` compares what others made of it pair by pair. ``kernel_distance`` is for
use while a model is trained.
"""
