"""Clocks of SLA policies, by walking through what happens to each process.

What counts as working time belongs to `WorkingTime`; sums over clocks do not belong here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .business import CALENDAR_TIMES
from .business import calendars as process_calendars
from .changes import shown_value
from .durations import seconds
from .history import processes
from .stays import assignments, status_spells
from .versions import Procedures, Row, Version, histories, runs, start

Policy = dict[str, Any]
"""`name`, `start` and `stop` (pairs of kind and state), `pause` (states or kinds), `target_ms` or
`target` and perhaps `where` (functions of a version's attribute values as text), `calendar`."""


class WorkingTime(Protocol):
    """The working time of one calendar."""

    def between(self, started: int, ended: int) -> int:
        """Working milliseconds from one instant to a later one."""
        ...

    def reached(self, started: int, milliseconds: int) -> int | None:
        """The first instant by which so many have passed since `started`; null if none does."""
        ...


class EveryHour:
    """All time is working time."""

    def between(self, started: int, ended: int) -> int:
        return ended - started

    def reached(self, started: int, milliseconds: int) -> int | None:
        return started + milliseconds


@dataclass
class _Moment:
    """What happens at once: by one version, or by none (`version` is then null)."""

    at: int
    version: int | None
    events: list[tuple[str, str | None]]


@dataclass
class _Cycle:
    started_at: int
    version: int | None
    target_ms: int
    stopped_at: int | None = None
    ended_by: str | None = None


def sla_clocks(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    calendars: Mapping[str, WorkingTime] | None = None,
) -> list[Row]:
    """One row per policy, process and cycle; running clocks end at `as_of`."""
    return [clock for clock, _ in _clocks(versions, procedures, as_of, calendars)]


def sla_segments(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    calendars: Mapping[str, WorkingTime] | None = None,
) -> list[Row]:
    """One row per stretch of time in which a clock counted."""
    return [row for _, rows in _clocks(versions, procedures, as_of, calendars) for row in rows]


def _clocks(
    versions: list[Version],
    procedures: Procedures,
    as_of: int,
    calendars: Mapping[str, WorkingTime] | None,
) -> Iterator[tuple[Row, list[Row]]]:
    known = {"always": EveryHour(), **CALENDAR_TIMES, **(calendars or {})}
    of_process = process_calendars(versions, procedures, as_of)
    first_assigned = {
        row["process_id"]: row["first_assigned_at"]
        for row in processes(versions, procedures, as_of=as_of)
    }
    for process_id, history in histories(versions, as_of).items():
        procedure = procedures[history[-1]["procedure"]]
        held = assignments(history, as_of=as_of)
        for policy in procedure.get("slas", []):
            name = policy.get("calendar") or of_process[process_id][0]
            assigned_at = first_assigned[process_id]
            cycles = _cycles(history, procedure, policy, assigned_at, as_of)
            for number, cycle in enumerate(cycles, start=1):
                key = {
                    "process_id": process_id,
                    "procedure": history[-1]["procedure"],
                    "policy": policy["name"],
                    "cycle": number,
                }
                stretches = _stretches(history, procedure, policy, cycle)
                clock = _clock(cycle, stretches, known[name], as_of)
                yield (
                    {
                        **key,
                        **clock,
                        "calendar": name,
                        "started_state": _state_at(history, cycle.started_at, cycle.version),
                        "assigned_to": _holder(held, cycle, as_of),
                        "pod_id": _pod(history, cycle, as_of),
                    },
                    [
                        {
                            **key,
                            "segment_no": position,
                            "started_at": began,
                            "ended_at": ended,
                            "elapsed_seconds": seconds(
                                known[name].between(began, as_of if ended is None else ended)
                            ),
                        }
                        for position, (began, ended) in enumerate(stretches, start=1)
                    ],
                )


def _clock(
    cycle: _Cycle, stretches: list[tuple[int, int | None]], time: WorkingTime, as_of: int
) -> Row:
    elapsed, reached_at = 0, cycle.started_at if cycle.target_ms == 0 else None
    for began, ended in stretches:
        length = time.between(began, as_of if ended is None else ended)
        if reached_at is None and elapsed + length >= cycle.target_ms:
            reached_at = time.reached(began, cycle.target_ms - elapsed)
        elapsed += length
    end = as_of if cycle.stopped_at is None else cycle.stopped_at
    due_at = reached_at
    if due_at is None:
        due_at = time.reached(end, cycle.target_ms - elapsed)
    if elapsed > cycle.target_ms:
        status = "breached"
    elif cycle.ended_by == "stop":
        status = "met"
    elif cycle.ended_by is not None:
        status = None
    else:
        is_counting = bool(stretches) and stretches[-1][1] is None
        status = "running" if is_counting else "paused"
    return {
        "started_at": cycle.started_at,
        "due_at": None if status == "paused" else due_at,
        "stopped_at": cycle.stopped_at,
        "ended_by": cycle.ended_by,
        "target_seconds": seconds(cycle.target_ms),
        "elapsed_seconds": seconds(elapsed),
        "remaining_seconds": seconds(cycle.target_ms - elapsed),
        "status": status,
        "breached_at": reached_at if status == "breached" else None,
    }


def _cycles(
    history: list[Version],
    procedure: dict[str, Any],
    policy: Policy,
    assigned_at: int | None,
    as_of: int,
) -> list[_Cycle]:
    """The clocks in order; only the last may still run."""
    waits_for_assignment = ("first_assigned", None) in policy["stop"]
    cycles: list[_Cycle] = []
    moments = _moments(history, policy, assigned_at, as_of)
    # A completion is over when what the clock waits for is, if one version shows both.
    stopping = {
        m.version for m in moments for event in m.events if _as(event, "stop") in policy["stop"]
    }

    def running() -> _Cycle | None:
        return cycles[-1] if cycles and cycles[-1].ended_by is None else None

    def stop(at: int, by: str) -> None:
        clock = running()
        if clock:
            clock.stopped_at, clock.ended_by = at, by

    def begin(moment: _Moment) -> None:
        if running() or (
            waits_for_assignment and assigned_at is not None and moment.at > assigned_at
        ):
            return
        target = _target(history, procedure, policy, moment)
        if target is not None:
            cycles.append(_Cycle(moment.at, moment.version, target))

    for moment in moments:
        happened = set(moment.events)
        # What is left is over before anything else of the same version happens.
        left = {event for event in happened if event[0] == "left"}
        for events in (left, happened - left):
            stops = [event for event in events if _as(event, "stop") in policy["stop"]]
            starts = [event for event in events if _as(event, "start") in policy["start"]]
            if running() and stops:
                stop(moment.at, "stop")
                continue
            for end in ("deleted", "cancelled"):
                if (end, None) in events and not any(
                    _as(event, "stop") in policy["stop"] for event in happened
                ):
                    stop(moment.at, end)
            if ("completed", None) in events and moment.version not in stopping:
                stop(moment.at, "completed")
            if starts:
                begin(moment)
                if stops:
                    stop(moment.at, "stop")
    return cycles


def _as(event: tuple[str, str | None], role: str) -> tuple[str, str | None]:
    """The event as what it is in this role."""
    kind, state = event
    return ("state", state) if kind == f"state as {role}" else event


def _moments(
    history: list[Version], policy: Policy, assigned_at: int | None, as_of: int
) -> list[_Moment]:
    """What happens, in order; first assignments first or last of their instant."""
    found: dict[tuple[int, int], list[tuple[str, str | None]]] = defaultdict(list)
    for number, version in enumerate(history):
        at = start(history) if number == 0 else version["updated_at"]
        before = history[number - 1] if number else None
        was_there = before is not None and not before["is_deleted"]
        if version["is_deleted"]:
            if was_there:
                found[at, number].append(("deleted", None))
        elif number == 0:
            # It may have been in another state before it was first seen.
            found[at, number].append(("state as start", version["state"]))
            found[version["updated_at"], number].append(("state as stop", version["state"]))
        elif not was_there:
            found[at, number].append(("state", version["state"]))
        elif before is not None and before["state"] != version["state"]:
            found[at, number] += [("left", before["state"]), ("state", version["state"])]
    spells = status_spells(history, as_of=as_of)
    shown = [_position(history, run.first) for run in runs(history, "status")]
    if len(spells) > len(shown):  # it was open before it was first seen
        shown.insert(0, shown[0])
    for spell, number in zip(spells, shown, strict=True):
        found[spell["started_at"], number] += {
            "OPEN": [("created", None)],
            "COMPLETED": [("completed", None), ("closed", None)],
            "CANCELLED": [("cancelled", None), ("closed", None)],
        }[spell["status"]]
    moments = [
        ((at, number), _Moment(at, number, events)) for (at, number), events in found.items()
    ]
    event = ("first_assigned", None)
    if assigned_at is not None:
        if event in policy["stop"]:
            place = (assigned_at, len(history))
            moments.append((place, _Moment(assigned_at, None, [event])))
        elif _is_alive(history, assigned_at):
            moments.append(((assigned_at, -1), _Moment(assigned_at, None, [event])))
    return [moment for _, moment in sorted(moments, key=lambda pair: pair[0])]


def _position(history: list[Version], wanted: Version) -> int:
    (position,) = [number for number, version in enumerate(history) if version is wanted]
    return position


def _is_alive(history: list[Version], at: int) -> bool:
    """Whether the process is there in the time from the instant on."""
    return any(
        run.began_at(history) <= at and (run.ended_at is None or at < run.ended_at)
        for run in runs(history, "is_deleted")
    )


def _target(
    history: list[Version], procedure: dict[str, Any], policy: Policy, moment: _Moment
) -> int | None:
    """The target by the values in force at the moment; null where there is no clock."""
    data = history[0]["data"]
    for number, version in enumerate(history):
        is_before = moment.version is None or number <= moment.version
        if version["updated_at"] <= moment.at and is_before:
            data = version["data"]
    values = {
        attribute["short_id"]: shown_value(data, attribute)
        for attribute in procedure.get("attributes", [])
        if attribute["short_id"] in policy.get("reads", [])
    }
    if "where" in policy and not policy["where"](values):
        return None
    return policy["target"](values) if "target" in policy else policy["target_ms"]


def _stretches(
    history: list[Version], procedure: dict[str, Any], policy: Policy, cycle: _Cycle
) -> list[tuple[int, int | None]]:
    """Where the clock counts; null is the end of what still runs."""
    kinds = {state["short_id"]: state["kind"] for state in procedure["states"]}
    paused = [
        (run.began_at(history), run.ended_at)
        for run in runs(history, "state")
        if run.first["state"] in policy["pause"] or kinds[run.first["state"]] in policy["pause"]
    ]
    counted: list[tuple[int, int | None]] = [(cycle.started_at, cycle.stopped_at)]
    for began, ended in paused:
        left: list[tuple[int, int | None]] = []
        for here, there in counted:
            if began == ended:
                left.append((here, there))
                continue
            left.append((here, began if there is None else min(there, began)))
            if ended is not None:
                left.append((max(here, ended), there))
        counted = [(a, b) for a, b in left if b is None or a < b]
    # What is cut where nothing was taken out is still one stretch.
    return [(a, b) for a, b in counted if b is None or a < b]


def _state_at(history: list[Version], at: int, version: int | None) -> str | None:
    state = None
    for run in runs(history, "state"):
        number = _position(history, run.first)
        if run.began_at(history) <= at and (version is None or number <= version):
            state = run.first["state"]
    return state


def _holder(held: list[Row], cycle: _Cycle, as_of: int) -> str | None:
    end = as_of if cycle.stopped_at is None else cycle.stopped_at
    there = [stay["assigned_to"] for stay in held if stay["started_at"] <= end]
    return there[-1] if there else None


def _pod(history: list[Version], cycle: _Cycle, as_of: int) -> str | None:
    end = as_of if cycle.stopped_at is None else cycle.stopped_at
    pod = None
    for number, version in enumerate(history):
        at = start(history) if number == 0 else version["updated_at"]
        if at <= end and not version["is_deleted"]:
            pod = version["belongs_to"]
    return pod
