"""Checks the targets of indicators: the figures they name, and in what they are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.definitions.indicator import COUNTS, RESOLUTION, SLA_PREFIX
from schemas.loading.problems import Finding, shown
from schemas.loading.references import entries_of, repeated
from schemas.nearest import did_you_mean


def bad_indicators(document: Mapping[str, object]) -> Iterator[Finding]:
    """Figures that there are not, or twice, and targets of another kind than their figure."""
    policies = [entry.get("name") for _, entry in entries_of(document, "slas")]
    known = [*COUNTS, RESOLUTION, *(f"{SLA_PREFIX}{name}" for name in policies)]
    for path, indicator in entries_of(document, "indicators"):
        name = indicator.get("name")
        if not isinstance(name, str):
            continue
        if name in known:
            yield from _bad_target((*path, "target"), name, indicator.get("target"))
        else:
            allowed = did_you_mean(name, known) or ", ".join(known)
            yield Finding((*path, "name"), f"{shown(name)}, which is no indicator", allowed)
    yield from repeated(document, "indicators", allowed="each indicator once")


def _bad_target(path: tuple[str | int, ...], name: str, target: object) -> Iterator[Finding]:
    is_number = isinstance(target, int | float)
    is_share = isinstance(target, str) and target.endswith("%")
    if name in COUNTS:
        is_right, allowed = is_number, "a number of processes"
    elif name == RESOLUTION:
        is_right, allowed = isinstance(target, str) and not is_share, "a duration such as 3d"
    else:
        is_right, allowed = is_share, "per cent such as 95%"
    if isinstance(target, int | float | str) and not is_right:
        yield Finding(path, shown(target), allowed)
