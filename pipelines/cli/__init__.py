"""The `leadtime` command.

`main.py`, `analyst.py` and `recovery.py` declare the commands and their options; the module named
after a command does its work and prints the result.
"""
