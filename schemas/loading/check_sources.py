"""Checks the rules between the parts of a source, and with the procedure that it is for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from schemas.definitions.procedure import Procedure, Procedures
from schemas.definitions.source import Log, Source
from schemas.loading.problems import Finding, shown
from schemas.nearest import did_you_mean

SUFFIXES = (".csv", ".tsv", ".xlsx", ".json", ".ndjson", ".jsonl", ".parquet")
"""How the names of files end that a source can read; text also .gz and .zst."""
_COMPRESSED = (".gz", ".zst")
_JSON = (".json", ".ndjson", ".jsonl")
_OWN = ("procedure", "data", "derivedData")
_USERS = ("createdBy", "assignedTo", "firstAssignedTo")
_STATUSES = "one of OPEN, COMPLETED, CANCELLED"


class _Needs(NamedTuple):
    """The fields and keys that a shape must have, and the further keys that it may have."""

    fields: tuple[str, ...]
    keys: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


_NEEDS: Mapping[str, _Needs] = {
    "records": _Needs(("id", "state", "createdAt", "updatedAt"), also=("deletion",)),
    "envelope": _Needs(("id", "state", "createdAt", "updatedAt"), also=("deletion", "items")),
    "event_log": _Needs(("id",), ("log",)),
    "changelog": _Needs(("id", "createdAt"), ("log",)),
    "wide_dates": _Needs(("id",), ("stages",)),
    "stage_rows": _Needs(("id", "state", "updatedAt")),
    "snapshots": _Needs(("id", "state"), also=("snapshot",)),
}
_BY_SHAPE = ("items", "stages", "log", "deletion", "snapshot")


def missing_fields(shape: str) -> tuple[str, ...]:
    """The fields of the record that a source of a shape must have a column for."""
    return _NEEDS[shape].fields


def bad_sources(source: Source, procedures: Procedures) -> Iterator[Finding]:
    """What a source says that does not go together, or with its procedure."""
    yield from _bad_files(source)
    yield from _bad_shape(source)
    yield from _bad_fields(source)
    procedure = procedures.by_short_id.get(source.procedure)
    if procedure is None:
        known = list(procedures.by_short_id)
        allowed = did_you_mean(source.procedure, known) or f"one of {', '.join(known)}"
        found = f"{shown(source.procedure)}, which is not the shortId of a procedure"
        yield Finding(("procedure",), found, allowed)
    else:
        yield from _bad_states(source, procedure)
        yield from _bad_attributes(source, procedure)


def _suffix(glob: str) -> str:
    suffixes = [suffix.lower() for suffix in PurePosixPath(glob).suffixes]
    if len(suffixes) > 1 and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _bad_files(source: Source) -> Iterator[Finding]:
    for place, glob in enumerate(source.files):
        suffix = _suffix(glob)
        is_open = glob.endswith(("/", "*")) or (suffix and "*" in suffix)
        if not is_open and suffix not in SUFFIXES:
            allowed = f"a pattern that ends in one of {', '.join(SUFFIXES)}, in / or in *"
            yield Finding(("files", place), shown(glob), allowed)
        elif source.shape in ("envelope", "changelog") and suffix and suffix not in _JSON:
            allowed = f"files of JSON ({', '.join(_JSON)}): the shape is {source.shape}"
            yield Finding(("files", place), shown(glob), allowed)
    if not source.files:
        yield Finding(("files",), "an empty list", "at least one pattern")


def _bad_shape(source: Source) -> Iterator[Finding]:
    needs = _NEEDS[source.shape]
    for key in _BY_SHAPE:
        value = getattr(source, key)
        if key in needs.keys and not value:
            yield Finding((key,), "nothing", f"the key {key}: the shape is {source.shape}")
        elif value and key not in (*needs.keys, *needs.also):
            shapes = [s for s, n in _NEEDS.items() if key in (*n.keys, *n.also)]
            allowed = f"only with the shape {' or '.join(shapes)}"
            yield Finding((key,), f"`{key}` with the shape {source.shape}", allowed)
    # Records may come as they are.
    if source.shape in ("records", "envelope") and not source.fields:
        if source.attributes:
            found = "attributes without fields"
            yield Finding(("attributes",), found, "fields too, or none where records come as such")
        return
    if source.shape == "snapshots" and "updatedAt" in source.fields:
        found = "a column for it with the shape snapshots"
        yield Finding(("fields", "updatedAt"), found, "none: the name of the file has the time")
    for name in needs.fields:
        if name not in source.fields:
            yield Finding(("fields", name), "nothing", "the column or path that has it")
    if source.log and "log" in needs.keys:
        yield from _bad_log(source, source.log)


def _bad_log(source: Source, log: Log) -> Iterator[Finding]:
    if "state" not in log.fields:
        yield Finding(("log", "fields", "state"), "nothing", "the name of the field in the log")
    for key in ("histories", "items"):
        is_given = getattr(log, key) is not None
        if source.shape == "changelog" and not is_given:
            yield Finding(("log", key), "nothing", "the path of the list, such as changelog.items")
        elif source.shape == "event_log" and is_given:
            allowed = "only with the shape changelog"
            yield Finding(("log", key), f"`{key}` with the shape event_log", allowed)


def _bad_fields(source: Source) -> Iterator[Finding]:
    # Pandera takes a second to load, and few procedures have sources.
    from schemas.records.record import FIELDS  # noqa: PLC0415

    known = [field.name for field in FIELDS if field.name not in _OWN]
    followed = source.followed_fields
    for path, names in ((("fields",), source.fields), (("log", "fields"), followed)):
        for name in names:
            if name not in known:
                allowed = did_you_mean(name, known) or f"one of {', '.join(known)}"
                yield Finding((*path, name), "an unknown field", allowed)
            elif path[0] == "log" and name in ("id", "team", "createdAt", "updatedAt"):
                found = f"{name}, which does not change"
                yield Finding((*path, name), found, "another field of the record")
    for name in source.names:
        if name not in _USERS:
            yield Finding(("names", name), "not a field with a user", f"one of {', '.join(_USERS)}")
    has_status = "status" in {*source.fields, *followed}
    if source.statuses and not has_status:
        found = "statuses without a column for the status"
        yield Finding(("statuses",), found, "the key status in fields, or outcomes by state")
    if source.outcomes and has_status:
        found = "outcomes beside a column for the status"
        yield Finding(("outcomes",), found, "statuses: what the values of that column mean")


def _bad_states(source: Source, procedure: Procedure) -> Iterator[Finding]:
    known = [state.short_id for state in procedure.states]
    for key, references in (
        ("states", dict(source.states)),
        ("stages", {state: state for state in source.stages}),
        ("outcomes", {state: state for state in source.outcomes}),
    ):
        for name, state in references.items():
            if state not in known:
                allowed = did_you_mean(state, known) or f"one of {', '.join(known)}"
                found = f"{shown(state)}, which is not a state of {procedure.short_id}"
                yield Finding((key, name), found, allowed)
    if "status" in {*source.fields, *source.followed_fields} or (
        source.shape in ("records", "envelope") and not source.fields
    ):
        return
    for state in procedure.states:
        is_clear = state.kind != "done" or state.short_id == procedure.completed_state
        if not is_clear and state.short_id not in source.outcomes:
            found = f"nothing for {state.short_id}, a state of kind done"
            yield Finding(("outcomes", state.short_id), found, _STATUSES)


def _bad_attributes(source: Source, procedure: Procedure) -> Iterator[Finding]:
    known = [attribute.short_id for attribute in procedure.attributes]
    for path, names in (
        (("attributes",), source.attributes),
        (("log", "attributes"), source.followed_attributes),
    ):
        for name in names:
            if name not in known:
                allowed = did_you_mean(name, known) or f"one of {', '.join(known) or 'none'}"
                found = f"not an attribute of {procedure.short_id}"
                yield Finding((*path, name), found, allowed)
