"""The rules for the columns that attributes need in the wide table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.definitions.attribute_types import BY_NAME
from schemas.definitions.columns import ColumnRequest, assign_columns
from schemas.definitions.procedure import RECORD_PREFIX
from schemas.loading.problems import Finding, KeyPath, key_path, shown
from schemas.loading.references import entries_of


def bad_columns(document: Mapping[str, object]) -> Iterator[Finding]:
    """Different shortIds that need the same column, and computed values with several columns."""
    requests = _requests(document)
    owners: dict[str, KeyPath] = {}
    for (path, request), stem in zip(
        requests.items(), assign_columns(list(requests.values())), strict=True
    ):
        for column in request.columns(stem):
            owner = owners.setdefault(column.lower(), path)
            if owner != path:
                short_id = request.name.removeprefix(_prefix(path))
                owned = f"whose column {column} is that of {key_path(document, owner)}"
                found = f"{shown(short_id)}, {owned}"
                yield Finding((*path, "shortId"), found, "a shortId with columns of its own")
    for path, entry in entries_of(document, "derivedAttributes"):
        kind = BY_NAME.get(str(entry.get("type")))
        if kind and kind.conversion.parts and _is_computed(entry):
            found = f"{kind.name}, which takes several columns, on a computed attribute"
            yield Finding((*path, "type"), found, "a type of one column")


def _requests(document: Mapping[str, object]) -> dict[KeyPath, ColumnRequest]:
    """What each attribute needs; an attribute that repeats a shortId is left out."""
    requests: dict[KeyPath, ColumnRequest] = {}
    seen: set[str] = set()
    for section in ("attributes", "derivedAttributes", "recordAttributes"):
        for path, entry in entries_of(document, section):
            short_id = entry.get("shortId")
            if not isinstance(short_id, str):
                continue
            kind, name = str(entry.get("type")), _prefix(path) + short_id
            place = f"{_prefix(path)}:{short_id.lower()}"
            if place not in seen:
                seen.add(place)
                requests[path] = ColumnRequest(name, kind, is_computed=_is_computed(entry))
    return requests


def _prefix(path: KeyPath) -> str:
    return RECORD_PREFIX if path[0] == "recordAttributes" else ""


def _is_computed(entry: Mapping[str, object]) -> bool:
    return not {"formula", "rollup", "script"}.isdisjoint(entry)
