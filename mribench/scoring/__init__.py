"""Score what exists: images or models that were made elsewhere, on the boards and by the protocol of ``mribench run``.

``sources`` reads what is to be scored, ``data`` what it is scored against, ``beside`` the rows that it is to stand
beside; ``score`` puts them together and runs the tasks; ``kernel_distance`` is for use while a model is trained.
"""
