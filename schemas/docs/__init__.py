"""The reference pages and JSON schemas, and the code that generates them.

`pages.py` writes all but `formulas.md`, which `schemas/formulas/reference.py` writes.
"""
