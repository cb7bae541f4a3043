"""Splits parsed records into accepted versions, rejected lines and violations."""
