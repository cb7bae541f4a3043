"""Checks what a definition keeps of its past: former shortIds (`aliases`) and retired states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from schemas.loading.problems import Finding, KeyPath, as_list, key_path, shown
from schemas.loading.references import Names, entries_of

# Each is read from a document of its own.
_SECTIONS = ("attributes", "derivedAttributes", "recordAttributes")


def bad_history(document: Mapping[str, object], states: Names) -> Iterator[Finding]:
    """Former shortIds that mean something else too, and removed states where one must be in use."""
    for section in _SECTIONS:
        yield from _ambiguous_aliases(document, section)
    removed = removed_states(document)
    for key in ("startState", "completedState"):
        state = states.resolve(document.get(key))
        if state in removed:
            yield Finding((key,), f"{state}, which is removed", "a state that is not removed")


def removed_states(document: Mapping[str, object]) -> frozenset[str]:
    """The shortIds of states with `removed: true`."""
    return frozenset(
        short_id
        for _, entry in entries_of(document, "states")
        if entry.get("removed") is True and isinstance(short_id := entry.get("shortId"), str)
    )


def unreachable_states(
    document: Mapping[str, object], successors: Mapping[str, Sequence[str]], start: str
) -> Iterator[Finding]:
    """States that no process can get to any more; removed ones are none, nor do they lead on."""
    removed = removed_states(document)
    reached, waiting = {start}, [start]
    while waiting:
        followers = successors.get(waiting.pop(), ())
        new = [state for state in followers if state not in reached | removed]
        reached.update(new)
        waiting += new
    for path, entry in entries_of(document, "states"):
        short_id = entry.get("shortId")
        if isinstance(short_id, str) and short_id not in reached | removed:
            found = f"no way in the stategraph from the start state {start}"
            allowed = f"a state that can be reached from {start}"
            if removed:
                allowed += " without removed states, or `removed: true` here too"
            yield Finding(path, found, allowed)


def _ambiguous_aliases(document: Mapping[str, object], section: str) -> Iterator[Finding]:
    # Keys of documents are compared as they stand, so an alias may differ by case alone.
    entries = list(entries_of(document, section))
    owners: dict[str, KeyPath] = {}
    for path, entry in entries:
        for key in ("id", "shortId"):
            if isinstance(value := entry.get(key), str):
                owners.setdefault(value, path)
    for path, entry in entries:
        written: object = entry.get("aliases")
        if not isinstance(written, list):
            continue
        for position, alias in enumerate(as_list(cast("object", written))):
            if not isinstance(alias, str):
                continue
            if alias in owners:
                where = key_path(document, owners[alias])
                found = f"{shown(alias)}, already a key of {where}"
                yield Finding((*path, "aliases", position), found, "a key that no attribute has")
            owners.setdefault(alias, path)
