"""Exports for other tools: event logs in the formats of process mining, and Parquet files.

The published database is all that is read here; what its tables mean is said there.
"""
