"""Guesses by its name, or by a date of closing, whether processes begin or end in a state."""

import re

import polars as pl

from schemas.definitions.source import Status

# Words for unsuccessful ends come first: `Closed lost` is cancelled.
_CANCELLED = frozenset([
    "lost", "cancelled", "canceled", "rejected", "declined", "withdrawn", "abandoned", "dropped",
    "disqualified", "unqualified", "dead", "junk", "spam", "duplicate", "churned", "expired",
    "closedlost", "failed", "refused", "invalid", "verloren", "abgelehnt", "storniert",
    "abgebrochen",
])  # fmt: skip
_COMPLETED = frozenset([
    "won", "closed", "close", "completed", "complete", "done", "resolved", "solved", "finished",
    "converted", "closedwon", "fixed", "gewonnen", "erledigt", "geschlossen", "abgeschlossen",
    "fertig",
])  # fmt: skip
_NOT = frozenset(["not", "never", "un", "nicht", "to", "be", "re", "reopened"])
_STARTING = re.compile(
    r"(?<![a-z])(new|open|created|received|incoming|submitted|backlog|to.?do|draft|registered|neu|offen)"
    r"(?![a-z])",
    re.IGNORECASE,
)
_MOSTLY = 0.95


def outcome_of(state: str) -> Status | None:
    """The status that the words of a state mean; None where they mean no end."""
    words = set(re.findall(r"[^\W\d_]+", _spread(state).lower()))
    if words & _CANCELLED:
        return "CANCELLED"
    if words & _COMPLETED and not words & _NOT:
        return "COMPLETED"
    return None


def _spread(text: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)


def sounds_like_a_start(state: str) -> bool:
    """Whether processes usually begin in a state of this name."""
    return _STARTING.search(state) is not None


def closed_by_date(frame: pl.DataFrame, state: str, closed: str) -> set[str] | None:
    """The states whose rows have a date of closing while those of the others have none.

    None where the date does not tell them apart, as an expected date of closing does.
    """
    rows = frame.filter(pl.col(state).is_not_null())
    shares = rows.group_by(state).agg(share=pl.col(closed).is_not_null().mean(), n=pl.len())
    found = shares.filter(pl.col("share") >= _MOSTLY)[state].to_list()
    between = shares.filter(pl.col("share").is_between(1 - _MOSTLY, _MOSTLY, closed="none"))
    is_clear = bool(found) and len(found) < shares.height and between["n"].sum() == 0
    # A date that an open state has is no date of closing.
    named = {s for s in shares[state].to_list() if outcome_of(s)}
    return set(found) if is_clear and named <= set(found) else None
