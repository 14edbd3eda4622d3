"""Score-based families for mribench: each file is one idea, with the equations of its paper."""
