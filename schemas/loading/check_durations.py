"""Checks named durations against their procedure: the states and events they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from schemas.loading.check_slas import bad_events, never_running, with_events
from schemas.loading.problems import Finding, as_list, as_mapping
from schemas.loading.references import Names, entries_of, repeated

_KEYS = ("from", "to")


def bad_durations(document: Mapping[str, object], states: Names) -> Iterator[Finding]:
    """Names used twice, states that are not defined, and durations that end when they start."""
    yield from repeated(document, "durations", allowed="each duration name once")
    for path, duration in entries_of(document, "durations"):
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
