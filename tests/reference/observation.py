"""From when on a procedure is observed, version by version."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from zoneinfo import ZoneInfo

from .days import local_day, midnight
from .versions import Procedures, Row, Version, histories, start


def observation_starts(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """One row per procedure, also without versions; one process that is older than the data is
    enough for its beginning to be a cut.
    """
    zone = ZoneInfo(time_zone)
    shown: dict[str, list[int]] = defaultdict(list)
    begun: dict[str, list[int]] = defaultdict(list)
    lives: dict[str, list[int]] = defaultdict(list)
    for history in histories(versions, as_of).values():
        lives[history[0]["procedure"]].append(start(history))
        for number, version in enumerate(history):
            if not version["is_deleted"]:
                shown[version["procedure"]].append(version["updated_at"])
                began = start(history) if number == 0 else version["updated_at"]
                begun[version["procedure"]].append(began)
    rows: list[Row] = []
    for name, definition in procedures.items():
        given: date | None = definition.get("observed_since")
        first = min(shown[name], default=None)
        since, source = None, None
        if given is not None:
            since, source = midnight(given, zone), "given"
        elif first is not None:
            source = "inferred"
            is_cut = min(begun[name]) < midnight(local_day(first, zone), zone)
            since = first if is_cut else min(begun[name])
        rows.append(
            {
                "procedure": name,
                "observed_since": since,
                "observed_since_source": source,
                "first_version_at": first,
                "processes": len(lives[name]),
                "n_left_truncated": sum(since is not None and at < since for at in lives[name]),
            }
        )
    return rows


def observed_since(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> dict[str, int]:
    """By procedure; one that nothing is known of has been observed since ever."""
    rows = observation_starts(versions, procedures, as_of=as_of, time_zone=time_zone)
    return {row["procedure"]: row["observed_since"] or 0 for row in rows}
