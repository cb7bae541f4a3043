"""Definitions compiled: their formulas, and the wide tables they publish."""
