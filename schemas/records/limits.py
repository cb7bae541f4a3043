"""Limits and conventions that hold for every record, each in one place."""

from datetime import datetime

EARLIEST_MS = 946_684_800_000  # 2000-01-01T00:00:00Z
LATEST_PLANNED_MS = 4_102_444_800_000  # 2100-01-01T00:00:00Z; a plan may lie in the future
_TOLERANCE_MS = 86_400_000  # clocks and time zones of sources are wrong by up to a day

LINES_PER_FILE = 10_000_000_000
"""`ingest_seq` is the number of the file times this, plus the line within the file."""

MAX_KEYS = 2_000
"""The most keys that a document of a record may have: no procedure has so many attributes."""

MAX_REJECTS = 10_000
"""The most lines of a file that the quarantine keeps although no definition can accept them."""

MASK = "***"
"""Replaces values of personal attributes in violations and messages."""


def latest_ms(instant: datetime) -> int:
    """The latest time that a record may hold when it is ingested at `instant`, in epoch ms."""
    return int(instant.timestamp() * 1000) + _TOLERANCE_MS


def raw(column: str) -> str:
    """The frame column with a field or value as it arrived, beside the converted `column`.

    The text is JSON, except for identifiers and words of the record. No column of an attribute
    begins so, whatever its shortId ends in.
    """
    return f"raw:{column}"
