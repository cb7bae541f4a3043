"""Checks funnels within a procedure: the states, attributes and steps they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from schemas.loading.problems import Finding, KeyPath, as_list, as_mapping, shown
from schemas.loading.references import Names, bad_states, entries_of, repeated, resolved


def bad_funnels(
    document: Mapping[str, object], states: Names, attributes: Names
) -> Iterator[Finding]:
    """What funnels name that is not there, or twice, and steps that cannot be."""
    yield from repeated(document, "funnels", allowed="each funnel name once")
    for path, funnel in entries_of(document, "funnels"):
        steps = as_list(funnel.get("steps"))
        if funnel.get("steps") == []:
            yield Finding((*path, "steps"), "an empty list", "at least one step")
        for position, step in enumerate(steps):
            yield from _bad_step((*path, "steps", position), step, states)
        yield from _bad_optional((*path, "steps"), steps)
        yield from bad_states((*path, "exclude"), funnel.get("exclude"), states)
        yield from _excluded_steps((*path, "exclude"), funnel, states)
        yield from _bad_breakdowns((*path, "breakdowns"), funnel, attributes)


def with_funnels(
    document: dict[str, object], states: Names, attributes: Names
) -> dict[str, object]:
    """The document with shortIds where its funnels refer to states and attributes."""
    if not isinstance(document.get("funnels"), list):
        return document
    funnels = [_funnel(funnel, states, attributes) for funnel in as_list(document["funnels"])]
    return {**document, "funnels": funnels}


def _bad_step(path: KeyPath, step: object, states: Names) -> Iterator[Finding]:
    if isinstance(step, str):
        if states.short_ids and states.resolve(step) is None:
            yield states.unknown(path, step)
        return
    members = step
    if isinstance(step, dict):
        path = (*path, "states")
        members = as_mapping(cast("object", step)).get("states")
    if members == []:
        yield Finding(path, "an empty list", "at least one state")
    yield from bad_states(path, members, states)


def _bad_optional(path: KeyPath, steps: Sequence[object]) -> Iterator[Finding]:
    for position in {0, len(steps) - 1} if steps else set[int]():
        step = steps[position]
        if isinstance(step, dict) and as_mapping(cast("object", step)).get("optional") is True:
            place = "first" if position == 0 else "last"
            here = (*path, position, "optional")
            yield Finding(here, f"the {place} step", "steps between the first and the last")


def _excluded_steps(
    path: KeyPath, funnel: Mapping[str, object], states: Names
) -> Iterator[Finding]:
    wanted: set[str | None] = set()
    for step in as_list(funnel.get("steps")):
        members = as_mapping(cast("object", step)).get("states") if isinstance(step, dict) else step
        for state in [members] if isinstance(members, str) else as_list(members):
            wanted.add(states.resolve(state))
    for position, state in enumerate(as_list(funnel.get("exclude"))):
        if isinstance(state, str) and states.resolve(state) in wanted - {None}:
            found = f"{shown(state)}, which is in a step"
            yield Finding((*path, position), found, "states that are in no step")


def _bad_breakdowns(
    path: KeyPath, funnel: Mapping[str, object], attributes: Names
) -> Iterator[Finding]:
    seen: set[tuple[str, object]] = set()
    for position, entry in enumerate(as_list(funnel.get("breakdowns"))):
        here: KeyPath = (*path, position)
        name, at = entry, "entry"
        if isinstance(entry, dict):
            mapping = as_mapping(cast("object", entry))
            name, at, here = (
                mapping.get("attribute"),
                mapping.get("at", "entry"),
                (*here, "attribute"),
            )
        if not isinstance(name, str):
            continue
        attribute = attributes.resolve(name)
        if attribute is None:
            yield attributes.unknown(here, name)
        elif (attribute, at) in seen:
            yield Finding(here, f"{shown(name)} again", "each attribute once")
        else:
            seen.add((attribute, at))


def _funnel(funnel: object, states: Names, attributes: Names) -> object:
    if not isinstance(funnel, dict):
        return funnel
    result = dict(as_mapping(cast("object", funnel)))
    if isinstance(result.get("steps"), list):
        result["steps"] = [_step(step, states) for step in as_list(result["steps"])]
    if "exclude" in result:
        result["exclude"] = resolved(result["exclude"], states)
    if isinstance(result.get("breakdowns"), list):
        result["breakdowns"] = [_breakdown(b, attributes) for b in as_list(result["breakdowns"])]
    return result


def _step(step: object, states: Names) -> object:
    if not isinstance(step, dict):
        return resolved(step, states)
    result = dict(as_mapping(cast("object", step)))
    if "states" in result:
        result["states"] = resolved(result["states"], states)
    return result


def _breakdown(entry: object, attributes: Names) -> object:
    if isinstance(entry, str):
        return attributes.resolve(entry) or entry
    if not isinstance(entry, dict):
        return entry
    result = dict(as_mapping(cast("object", entry)))
    result["attribute"] = attributes.resolve(result.get("attribute")) or result.get("attribute")
    return result
