"""Versions of processes as plain dicts: their order, what an as-of sees, and runs of equal values.

What is made of the runs (visits, spells, figures) belongs to the modules beside this one.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Version = dict[str, Any]
Row = dict[str, Any]
Procedures = dict[str, dict[str, Any]]


def content(version: Version) -> str:
    """Everything a version says, as text: 1, 1.0 and True differ, the order of keys does not."""
    said = {field: value for field, value in version.items() if field != "ingest_seq"}
    return json.dumps(said, sort_keys=True, default=str)


def drop_duplicates(versions: Iterable[Version]) -> list[Version]:
    """The versions in ingest order, of exact duplicates only the first ingested.

    Equal are versions of one process with the same `updated_at` and the same content.
    """
    kept: list[Version] = []
    known: set[str] = set()
    for version in sorted(versions, key=lambda version: version["ingest_seq"]):
        if content(version) not in known:
            known.add(content(version))
            kept.append(version)
    return kept


def histories(versions: Iterable[Version], as_of: int) -> dict[str, list[Version]]:
    """Per process (sorted by id) its versions seen at `as_of`, by (`updated_at`, `ingest_seq`).

    A process without a seen version has no entry.
    """
    seen: dict[str, list[Version]] = defaultdict(list)
    for version in versions:
        if version["updated_at"] <= as_of:
            seen[version["process_id"]].append(version)
    for history in seen.values():
        history.sort(key=lambda version: (version["updated_at"], version["ingest_seq"]))
    return {process_id: seen[process_id] for process_id in sorted(seen)}


def created_at(history: list[Version]) -> int:
    """What the latest version says: a corrected creation time counts for the whole history."""
    return history[-1]["created_at"]


def start(history: list[Version]) -> int:
    """The instant clocks run from: creation, but never after the first version."""
    return min(created_at(history), history[0]["updated_at"])


def outcome(history: list[Version]) -> str:
    """`deleted`, or by status `completed`, `cancelled`, `open`, of the latest version."""
    latest = history[-1]
    if latest["is_deleted"]:
        return "deleted"
    return {"OPEN": "open", "COMPLETED": "completed", "CANCELLED": "cancelled"}[latest["status"]]


def deleted_at(history: list[Version]) -> int | None:
    """`updated_at` of the version that began the current deletion; null when not deleted."""
    began = None
    for version in history:
        if not version["is_deleted"]:
            began = None
        elif began is None:
            began = version["updated_at"]
    return began


@dataclass
class Run:
    """A maximal run of consecutive versions that are not deleted and agree in one field."""

    first: Version
    is_from_first_version: bool
    ended_at: int | None = None
    ended_by_deletion: bool = False

    def began_at(self, history: list[Version]) -> int:
        """The first version of the run; for the very first version the start of the process."""
        return start(history) if self.is_from_first_version else self.first["updated_at"]


def runs(history: list[Version], field: str) -> list[Run]:
    """The runs of `field` in order. `ended_at` is the first version after the run, null if none."""
    found: list[Run] = []
    running: Run | None = None
    for position, version in enumerate(history):
        if running is not None:
            if not version["is_deleted"] and version[field] == running.first[field]:
                continue
            running.ended_at = version["updated_at"]
            running.ended_by_deletion = version["is_deleted"]
            running = None
        if not version["is_deleted"]:
            running = Run(first=version, is_from_first_version=position == 0)
            found.append(running)
    return found
