"""Notebooks over the published database: what analysts look at and change to their liking.

Each runs as an app (`leadtime notebook NAME`) or in the editor (`marimo edit notebooks/NAME.py`).
No metric is defined here: a number that many need is a column of a published table.
"""
