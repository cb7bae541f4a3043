"""Exports of the published database: event logs for process mining, and Parquet files."""
