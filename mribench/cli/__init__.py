"""The command line: one file a group of commands, each parses, calls one function and prints.

Heavy imports stay inside the commands. A new command or option belongs here; what it does belongs elsewhere.
"""
