"""Computes derived attributes: formulas, rollups and scripts."""
