"""Turns the bytes of landing files into raw tables; `pull` fetches such files from an API.

One module reads each format; every format then takes the same path: parse, validate, write.
"""
