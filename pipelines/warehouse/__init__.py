"""The one writable database: its lease, leftovers, schema version and file errors."""
