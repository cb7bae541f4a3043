"""Clocks of SLA policies, by walking through the events of each process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from .activities import NO_ACTIVITIES, Activities, DatedEvent, activity_events
from .business import CALENDAR_TIMES, Stretch
from .business import calendars as process_calendars
from .changes import shown_value
from .durations import seconds
from .history import processes
from .stays import assignments, spells_of
from .versions import Procedures, Row, Version, histories, runs, start

Policy = dict[str, Any]
"""`name`, `start` and `stop` (pairs of kind and state), `pause` (states or kinds), `target` (a
`Target`, or a function of a version's attribute values as text that gives one), perhaps `where`
(such a function that gives a boolean), `calendar`, and perhaps `repeat`."""
Target = tuple[str, int] | None
"""`ms` or `days` with their number; null where there is no clock."""


class WorkingTime(Protocol):
    """The working time of one calendar."""

    def between(self, started: int, ended: int) -> int:
        """Working milliseconds from one instant to a later one."""
        ...

    def reached(self, started: int, milliseconds: int) -> int | None:
        """The first instant by which so many have passed since `started`; null if none does."""
        ...

    def days(self, started: int, count: int) -> int:
        """Working milliseconds of so many working days, from the one of `started` or the next."""
        ...


class EveryHour:
    """All time is working time."""

    def between(self, started: int, ended: int) -> int:
        return ended - started

    def reached(self, started: int, milliseconds: int) -> int | None:
        return started + milliseconds

    def days(self, started: int, count: int) -> int:
        return count * 86_400_000


@dataclass
class _Moment:
    """Events of one instant, shown by one version or by none (`version` is then null)."""

    at: int
    version: int | None
    events: list[tuple[str, str | None]]


@dataclass
class _Cycle:
    started_at: int
    version: int | None
    target_ms: int
    calendar: str
    stopped_at: int | None = None
    ended_by: str | None = None


def sla_clocks(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    calendars: Mapping[str, WorkingTime] | None = None,
    activities: Activities = NO_ACTIVITIES,
) -> list[Row]:
    """One row per policy, process and cycle; running clocks end at `as_of`."""
    return [clock for clock, _ in _clocks(versions, procedures, as_of, calendars, activities)]


def sla_segments(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    calendars: Mapping[str, WorkingTime] | None = None,
    activities: Activities = NO_ACTIVITIES,
) -> list[Row]:
    """One row per stretch of time in which a clock counted."""
    clocks = _clocks(versions, procedures, as_of, calendars, activities)
    return [row for _, rows in clocks for row in rows]


def _clocks(
    versions: list[Version],
    procedures: Procedures,
    as_of: int,
    calendars: Mapping[str, WorkingTime] | None,
    activities: Activities,
) -> Iterator[tuple[Row, list[Row]]]:
    known = {"always": EveryHour(), **CALENDAR_TIMES, **(calendars or {})}
    of_process = process_calendars(versions, procedures, as_of)
    first_assigned = {
        row["process_id"]: row["first_assigned_at"]
        for row in processes(versions, procedures, as_of=as_of)
    }
    for process_id, history in histories(versions, as_of).items():
        held = assignments(history, as_of=as_of)
        names = dict.fromkeys(version["procedure"] for version in history)
        for name, policy in [
            (key, policy) for key in names for policy in procedures[key].get("slas", [])
        ]:
            procedure = procedures[name]
            dated = [
                *((("first_assigned", None), at) for at in [first_assigned[process_id]] if at),
                *activity_events(activities, process_id, start(history), as_of=as_of),
            ]
            mine = [version for version in history if version["procedure"] == name]
            terms = _Terms(mine, history, procedure, policy, of_process[process_id], known)
            cycles = _cycles(history, name, terms, dated)
            for number, cycle in enumerate(cycles, start=1):
                key = {
                    "process_id": process_id,
                    "procedure": name,
                    "policy": policy["name"],
                    "cycle": number,
                }
                stretches = _stretches(history, name, procedure, policy, cycle)
                time = known[cycle.calendar]
                clock = _clock(cycle, stretches, time, as_of)
                yield (
                    {
                        **key,
                        **clock,
                        "calendar": cycle.calendar,
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
                                time.between(began, as_of if ended is None else ended)
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


@dataclass
class _Terms:
    """What a clock takes from the instant at which it starts."""

    mine: list[Version]
    history: list[Version]
    procedure: dict[str, Any]
    policy: Policy
    calendars: list[Stretch]
    times: Mapping[str, WorkingTime]

    def begin(self, moment: _Moment, started_at: int) -> _Cycle | None:
        """A clock with the values and the calendar at the event; null if there is no clock."""
        values = self._values(moment)
        if "where" in self.policy and not self.policy["where"](values):
            return None
        target = self.policy["target"]
        target = target(values) if callable(target) else target
        if target is None:
            return None
        unit, count = cast("tuple[str, int]", target)
        calendar = self._calendar(moment)
        if unit == "days":
            count = self.times[calendar].days(started_at, count)
        return _Cycle(started_at, moment.version, count, calendar)

    def _values(self, moment: _Moment) -> dict[str, str | None]:
        data = self.mine[0]["data"]
        for version in self.mine:
            number = _position(self.history, version)
            is_before = moment.version is None or number <= moment.version
            if version["updated_at"] <= moment.at and is_before:
                data = version["data"]
        return {
            attribute["short_id"]: shown_value(data, attribute)
            for attribute in self.procedure.get("attributes", [])
            if attribute["short_id"] in self.policy.get("reads", [])
        }

    def _calendar(self, moment: _Moment) -> str:
        if self.policy.get("calendar"):
            return self.policy["calendar"]
        name = self.calendars[0].name
        for stretch in self.calendars:
            is_before = moment.version is None or stretch.version <= moment.version
            if stretch.started_at <= moment.at and is_before:
                name = stretch.name
        return name


def _cycles(
    history: list[Version], name: str, terms: _Terms, dated: list[DatedEvent]
) -> list[_Cycle]:
    """The clocks in order; only the last may still run.

    Events pass in the order of the versions that show them. One that is dated before the previous
    start or stop counts from that one.
    """
    policy = terms.policy
    # What happens once: no clock starts that waits for it in vain.
    once = [
        at
        for event, at in dated
        if event in policy["stop"] and event[0] in ("first_assigned", "first_call")
    ]
    dated_stops = {at for event, at in dated if event in policy["stop"]}
    cycles: list[_Cycle] = []
    moments = _moments(history, name, policy, dated)
    # Where one version shows a closing and what the clock waits for, the latter stops the clock.
    stopping = {
        m.version for m in moments for event in m.events if _as(event, "stop") in policy["stop"]
    } - {None}
    switched_at = moments[0].at if moments else 0
    renewed: tuple[int, int | None] | None = None

    def running() -> _Cycle | None:
        return cycles[-1] if cycles and cycles[-1].ended_by is None else None

    def stop(at: int, by: str) -> None:
        nonlocal switched_at
        clock = running()
        if clock:
            switched_at = max(switched_at, at)
            clock.stopped_at, clock.ended_by = switched_at, by

    def begin(moment: _Moment) -> None:
        nonlocal switched_at
        if running() or any(moment.at > at for at in once):
            return
        clock = terms.begin(moment, max(switched_at, moment.at) if cycles else moment.at)
        if clock is not None:
            switched_at = clock.started_at
            cycles.append(clock)

    def fulfil(moment: _Moment, stops: list[tuple[str, str | None]]) -> None:
        """A stop, and the start of the next clock where the policy has another one."""
        nonlocal renewed
        here = (moment.at, moment.version)
        if renewed == here:
            return
        stop(moment.at, "stop")
        again = {kind for kind, _ in stops} - {"completed", "closed"}
        is_there = moment.version is not None or _is_there(history, name, moment.at)
        if policy.get("repeat") and again and is_there and not _is_last(moment, moments):
            begin(moment)
            if running():
                renewed = here

    for moment in moments:
        happened = set(moment.events)
        # What is left is over before anything else of the same version happens.
        left = {event for event in happened if event[0] == "left"}
        for events in (left, happened - left):
            stops = [event for event in events if _as(event, "stop") in policy["stop"]]
            starts = [event for event in events if _as(event, "start") in policy["start"]]
            if running() and stops:
                fulfil(moment, stops)
                continue
            is_stopped_now = moment.at in dated_stops
            for end in ("deleted", "moved_out", "cancelled", "completed"):
                if (end, None) in events and moment.version not in stopping and not is_stopped_now:
                    stop(moment.at, end)
            if starts:
                begin(moment)
                if stops and running():
                    fulfil(moment, stops)
    return cycles


def _is_last(moment: _Moment, moments: list[_Moment]) -> bool:
    """Whether the process ends with a moment: by its version, or at its instant."""
    ends = {"completed", "cancelled", "deleted", "moved_out"}
    return any(
        moment.at == other.at if moment.version is None else moment.version == other.version
        for other in moments
        if {kind for kind, _ in other.events} & ends
    )


def _as(event: tuple[str, str | None], role: str) -> tuple[str, str | None]:
    """The event as what it is in this role."""
    kind, state = event
    return ("state", state) if kind == f"state as {role}" else event


def _moments(
    history: list[Version], name: str, policy: Policy, dated: list[DatedEvent]
) -> list[_Moment]:
    """The events in one procedure, in order; those that no version shows are the first or last of
    their instant.
    """
    found: dict[tuple[int, int], list[tuple[str, str | None]]] = defaultdict(list)
    # In order of the version, except what happened before the process was first seen.
    moments: list[tuple[tuple[int, int, int, int], _Moment]] = []
    for number, version in enumerate(history):
        for at, event in _state_events(history, name, number, version):
            found[at, number].append(event)
    for spell in spells_of(history):
        number = _position(history, spell.shown[0])
        at = spell.started_at
        if spell.procedure != name or (spell.status != "OPEN" and spell.began_by == "moved_in"):
            continue
        if spell.status == "OPEN" and history[number]["status"] != "OPEN":
            # It opened before the closing that the same version shows.
            passed_at = history[number]["updated_at"] if number else at
            place = (passed_at, number, at, 0)
            moments.append((place, _Moment(at, number, [("created", None)])))
            continue
        found[at, number] += {
            "OPEN": [("created", None)],
            "COMPLETED": [("completed", None), ("closed", None)],
            "CANCELLED": [("cancelled", None), ("closed", None)],
        }[spell.status]
    for (at, number), events in found.items():
        passed_at = history[number]["updated_at"] if number else at
        moments.append(((passed_at, number, at, 1), _Moment(at, number, events)))
    for event, at in dated:
        if event in policy["stop"]:
            moments.append(((at, len(history), at, 1), _Moment(at, None, [event])))
        elif _is_there(history, name, at):
            moments.append(((at, -1, at, 1), _Moment(at, None, [event])))
    return [moment for _, moment in sorted(moments, key=lambda pair: pair[0])]


def _state_events(
    history: list[Version], name: str, number: int, version: Version
) -> Iterator[tuple[int, tuple[str, str | None]]]:
    """What a version shows about the stays in states of one procedure."""
    at = start(history) if number == 0 else version["updated_at"]
    before = history[number - 1] if number else None
    was_there = before is not None and not before["is_deleted"] and before["procedure"] == name
    if version["is_deleted"] or version["procedure"] != name:
        if was_there:
            yield at, ("deleted" if version["is_deleted"] else "moved_out", None)
    elif number == 0:
        # It may have been in another state before it was first seen.
        yield at, ("state as start", version["state"])
        yield version["updated_at"], ("state as stop", version["state"])
    elif before is None or not was_there:
        yield at, ("state", version["state"])
    elif before["state"] != version["state"]:
        yield at, ("left", before["state"])
        yield at, ("state", version["state"])


def _position(history: list[Version], wanted: Version) -> int:
    (position,) = [number for number, version in enumerate(history) if version is wanted]
    return position


def _is_there(history: list[Version], name: str, at: int) -> bool:
    """Whether the process is in the procedure, and not deleted, from the instant on."""
    return any(
        run.began_at(history) <= at and (run.ended_at is None or at < run.ended_at)
        for run in runs(history, "is_deleted")
        if run.first["procedure"] == name
    )


def _stretches(
    history: list[Version], name: str, procedure: dict[str, Any], policy: Policy, cycle: _Cycle
) -> list[tuple[int, int | None]]:
    """Where the clock counts; null is the end of what still runs."""
    kinds = {state["short_id"]: state["kind"] for state in procedure["states"]}
    paused = [
        (run.began_at(history), run.ended_at)
        for run in runs(history, "state")
        if run.first["procedure"] == name
        and {run.first["state"], kinds[run.first["state"]]} & {*policy["pause"]}
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
