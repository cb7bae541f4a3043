"""Versions of processes as plain dicts: their order, those up to an as-of, runs of equal values."""

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
    """All values of a version as text: 1, 1.0 and True differ, the order of keys does not.

    An attribute with null or the empty text is missing.
    """
    values = {field: value for field, value in version.items() if field != "ingest_seq"}
    values["data"] = present(version["data"]) if "data" in version else {}
    return json.dumps(values, sort_keys=True, default=str)


def present(data: dict[str, Any]) -> dict[str, Any]:
    """The attribute values that are there."""
    return {key: value for key, value in data.items() if value is not None and value != ""}


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
    """That of the latest version: a corrected creation time counts for the whole history."""
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
    """A maximal run of versions in a row, not deleted, of one procedure and equal in one field."""

    members: list[Version]
    is_from_first_version: bool
    ended_at: int | None = None
    ended_by_deletion: bool = False
    ended_by_procedure_change: bool = False

    @property
    def first(self) -> Version:
        return self.members[0]

    def began_at(self, history: list[Version]) -> int:
        """The first version of the run; for the very first version the start of the process."""
        return start(history) if self.is_from_first_version else self.first["updated_at"]


def runs(history: list[Version], field: str) -> list[Run]:
    """The runs of `field` in order. `ended_at` is the first version after the run, null if none."""
    found: list[Run] = []
    running: Run | None = None
    for position, version in enumerate(history):
        if running is not None:
            is_same = all(version[f] == running.first[f] for f in ("procedure", field))
            if is_same and not version["is_deleted"]:
                running.members.append(version)
                continue
            running.ended_at = version["updated_at"]
            running.ended_by_deletion = version["is_deleted"]
            running.ended_by_procedure_change = (
                not version["is_deleted"] and version["procedure"] != running.first["procedure"]
            )
            running = None
        if not version["is_deleted"]:
            running = Run(members=[version], is_from_first_version=position == 0)
            found.append(running)
    return found
