"""The one-page report on a procedure, in a terminal or as HTML.

Reads published tables only and defines no metric.
"""
