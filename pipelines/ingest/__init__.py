"""Turns the bytes of landing files into raw tables.

One module reads each format; every format then takes the same path: parse, validate, write.
"""
