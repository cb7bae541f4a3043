"""Checks SLA policies against their procedure: the states, kinds, attributes and events they name.

Formulas and calendars are checked in `schemas/compiled/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast, get_args

from schemas.definitions.attribute_types import BY_NAME
from schemas.definitions.procedure import StateKind
from schemas.definitions.sla import SlaEvent, written_events
from schemas.loading.problems import Finding, KeyPath, as_list, as_mapping, shown
from schemas.loading.references import Names, entries_of, repeated

_KINDS = get_args(StateKind)
_ONCE = ("first_assigned", "first_call")
_CLOSING = ("completed", "closed")
_RENEWING = (
    "with `repeat` events that can happen again while a process is open: connected_call, "
    "task_completed, created, `state: X`, `left: X`"
)
_DECIDING_TYPES = ("VARCHAR", "BIGINT", "DOUBLE")


def bad_slas(document: Mapping[str, object], states: Names, attributes: Names) -> Iterator[Finding]:
    """Names that are not defined or used twice, and clocks that would never run, or never again."""
    yield from repeated(document, "slas", allowed="each policy name once")
    for path, sla in entries_of(document, "slas"):
        for key in ("start", "stop"):
            yield from bad_events((*path, key), sla.get(key), states)
        yield from never_running(path, sla, states, keys=("start", "stop"))
        yield from _never_repeated(path, sla)
        yield from _bad_pause((*path, "pause"), sla.get("pause"), states)
        target = sla.get("target")
        if isinstance(target, dict):
            here = (*path, "target")
            yield from _bad_target(here, as_mapping(cast("object", target)), document, attributes)


def with_slas(document: dict[str, object], states: Names, attributes: Names) -> dict[str, object]:
    """The document with shortIds where its policies refer to states and attributes by id."""
    if not isinstance(document.get("slas"), list):
        return document
    slas: list[object] = []
    for sla in as_list(document["slas"]):
        if not isinstance(sla, dict):
            slas.append(sla)
            continue
        result = with_events(as_mapping(cast("object", sla)), states, keys=("start", "stop"))
        if isinstance(result.get("pause"), list):
            pause = as_list(result["pause"])
            result["pause"] = [states.resolve(item) or item for item in pause]
        if isinstance(result.get("target"), dict):
            target = as_mapping(result["target"])
            result["target"] = _with_values(target, document, attributes)
        slas.append(result)
    return {**document, "slas": slas}


def bad_events(path: KeyPath, written: object, states: Names) -> Iterator[Finding]:
    """States that are not defined, in the value of a key with events."""
    for place, event in written_events(written):
        if event is None or event.state is None or not states.short_ids:
            continue  # the model reports invalid events
        if states.resolve(event.state) is None:
            yield states.unknown((*path, *place), event.state)


def never_running(
    path: KeyPath, clock: Mapping[str, object], states: Names, *, keys: tuple[str, str]
) -> Iterator[Finding]:
    """Events that both start and stop a clock, so that it would never run; `keys` have them."""
    start, stop = keys
    starts, stops = (
        [_resolved(event, states) for _, event in written_events(clock.get(key)) if event]
        for key in keys
    )
    for event in starts:
        # A completion is also a closing.
        is_closing = event.kind in _CLOSING and any(other.kind in _CLOSING for other in stops)
        if event in stops or is_closing:
            allowed = f"events that are not in `{start}`"
            yield Finding((*path, stop), f"`{event}` as {start} and as {stop}", allowed)
            return


def _never_repeated(path: KeyPath, sla: Mapping[str, object]) -> Iterator[Finding]:
    """Clocks to be repeated that no event can renew, or that one of their stops would end."""
    if sla.get("repeat") is not True:
        return
    stops = [event for _, event in written_events(sla.get("stop")) if event]
    once = [event for event in stops if event.kind in _ONCE]
    if once:
        yield Finding((*path, "stop"), f"`{once[0]}`, which happens once", _RENEWING)
    elif stops and all(event.kind in _CLOSING for event in stops):
        yield Finding((*path, "stop"), "only events that close a process", _RENEWING)


def with_events(
    clock: Mapping[str, object], states: Names, *, keys: tuple[str, str]
) -> dict[str, object]:
    """The part with shortIds where the events under these keys refer to states by id."""
    result = dict(clock)
    for key in keys:
        events = list(written_events(result.get(key)))
        if events and all(event for _, event in events):
            result[key] = [str(_resolved(event, states)) for _, event in events if event]
    return result


def _bad_pause(path: KeyPath, written: object, states: Names) -> Iterator[Finding]:
    seen: set[str] = set()
    for position, item in enumerate(as_list(written)):
        if not isinstance(item, str) or not states.short_ids:
            continue
        state = states.resolve(item) or item
        if state in seen:
            yield Finding((*path, position), f"{shown(item)} again", "each state and kind once")
        elif state not in states.short_ids and state not in _KINDS:
            allowed = f"a state ({', '.join(states.short_ids)}) or a kind ({', '.join(_KINDS)})"
            yield Finding((*path, position), f"{shown(item)}, which is neither", allowed)
        seen.add(state)


def _bad_target(
    path: KeyPath,
    target: Mapping[str, object],
    document: Mapping[str, object],
    attributes: Names,
) -> Iterator[Finding]:
    given = [key for key in ("duration", "formula", "by") if target.get(key) is not None]
    if len(given) != 1:
        found = f"{' and '.join(given)} together" if given else "none of them"
        yield Finding(path, found, "a duration such as 4h, or one of the keys formula and by")
    if given != ["by"]:
        for key in ("values", "otherwise"):
            if target.get(key) is not None:
                yield Finding((*path, key), "durations by an attribute", "only beside `by`")
        return
    by = target["by"]
    if not isinstance(by, str):
        return
    deciding = _attribute(by, document, attributes)
    if deciding is None:
        yield attributes.unknown((*path, "by"), by)
        return
    kind = BY_NAME.get(str(deciding.get("type")))
    if kind and kind.sql_type not in _DECIDING_TYPES:
        allowed = "an attribute with one text or number (use `formula` for others)"
        yield Finding((*path, "by"), f"{shown(by)} of type {kind.name}", allowed)
        return
    yield from _bad_values((*path, "values"), target.get("values"), deciding)


def _bad_values(
    path: KeyPath, written: object, deciding: Mapping[str, object]
) -> Iterator[Finding]:
    values = as_mapping(written)
    if not values:
        yield Finding(path, "no values", "a duration for at least one value")
    options = as_list(deciding.get("options"))
    for key in values:
        value = _as_value(key, deciding)
        here = (*path, str(key))
        if value is None:
            yield Finding(here, shown(key), f"a value of type {deciding.get('type')}")
        elif options and value not in options:
            yield Finding(here, shown(key), f"one of the options {', '.join(map(str, options))}")


def _attribute(
    reference: object, document: Mapping[str, object], attributes: Names
) -> Mapping[str, object] | None:
    short_id = attributes.resolve(reference)
    for _, entry in entries_of(document, "attributes"):
        if entry.get("shortId") == short_id:
            return entry
    return None


def _with_values(
    target: Mapping[str, object], document: Mapping[str, object], attributes: Names
) -> dict[str, object]:
    """The target with the keys of `values` in the type of the attribute: in JSON they are text."""
    result = dict(target)
    deciding = _attribute(result.get("by"), document, attributes)
    if deciding is None:
        return result
    result["by"] = deciding["shortId"]
    if isinstance(result.get("values"), dict):
        values = cast("Mapping[object, object]", result["values"])
        result["values"] = {
            key if (value := _as_value(key, deciding)) is None else value: duration
            for key, duration in values.items()
        }
    return result


def _as_value(key: object, deciding: Mapping[str, object]) -> str | int | float | None:
    kind = BY_NAME.get(str(deciding.get("type")))
    if isinstance(key, bool) or not isinstance(key, str | int | float) or kind is None:
        return None
    try:
        match kind.sql_type:
            case "BIGINT":
                return int(key) if str(key) == str(int(key)) else None
            case "DOUBLE":
                return float(key)
            case _:
                return key if isinstance(key, str) else None
    except ValueError:
        return None


def _resolved(event: SlaEvent, states: Names) -> SlaEvent:
    if event.state is None:
        return event
    return SlaEvent(event.kind, states.resolve(event.state) or event.state)


def pausing_states(pause: Sequence[str], kinds: Mapping[str, str]) -> list[str]:
    """The states in which a policy's clocks pause; `kinds` are those of the states by shortId.

    A name that is both a state and a kind means the state.
    """
    return [
        state
        for state, kind in kinds.items()
        if state in pause or (kind in pause and kind not in kinds)
    ]
