"""Descriptions of the published tables that do not depend on attributes, one module per subject.

`schemas/compiled/wide_table.py` describes the wide tables.
"""
