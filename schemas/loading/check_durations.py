"""Checks named durations against their procedure: the states and events they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from schemas.loading.check_slas import bad_events, never_running, with_events
from schemas.loading.problems import Finding, as_list, as_mapping, shown
from schemas.loading.references import Names, entries_of

_KEYS = ("from", "to")


def bad_durations(document: Mapping[str, object], states: Names) -> Iterator[Finding]:
    """Names used twice, states that are not defined, and durations that end when they start."""
    names: set[str] = set()
    for path, duration in entries_of(document, "durations"):
        name = duration.get("name")
        if isinstance(name, str):
            if name in names:
                yield Finding((*path, "name"), f"{shown(name)} again", "each duration name once")
            names.add(name)
        for key in _KEYS:
            yield from bad_events((*path, key), duration.get(key), states)
        yield from never_running(path, duration, states, keys=_KEYS)


def with_durations(
    document: dict[str, object],
    states: Names,
    attributes: Names,  # noqa: ARG001 - as of the other parts
) -> dict[str, object]:
    """The document with shortIds where its durations refer to states by id."""
    if not isinstance(document.get("durations"), list):
        return document
    durations = [
        with_events(as_mapping(cast("object", entry)), states, keys=_KEYS)
        if isinstance(entry, dict)
        else entry
        for entry in as_list(document["durations"])
    ]
    return {**document, "durations": durations}
