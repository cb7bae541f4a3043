"""Copies a published generation to other engines, where readers see one generation at a time."""
