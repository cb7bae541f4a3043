"""Sums over processes: how long things took, which way processes went, what was open on each day.

What happened to a single process belongs to the history module.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

from .business import business_lifecycle
from .days import contains, days, last_instant, local_day, midnight
from .durations import mean_seconds, percentile_seconds
from .history import process_lifecycle, processes, state_visits
from .named_durations import process_durations
from .observation import observed_since
from .stays import Spell, is_allowed, spells_of
from .versions import Procedures, Row, Version, histories, runs

_OPENINGS = ("created", "reopened", "restored", "moved_in")
_ENDINGS = ("completed", "cancelled", "deleted", "moved_out")


def duration_stats(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """One row per procedure, measure and period: first day of the month of the ending, or null.

    Only finished intervals, in the procedure of the process when they ended; `open` counts the
    time that closed processes were open, by the start of the current closing. No row where nothing
    has ended.
    """
    zone = ZoneInfo(time_zone)
    since = observed_since(versions, procedures, as_of=as_of, time_zone=time_zone)
    seen = histories(versions, as_of)
    ended: list[tuple[str, str, float, int]] = []
    lifecycles = business_lifecycle(versions, procedures, as_of=as_of)
    for row in lifecycles:
        for measure, ended_at in (
            ("resolution", "first_completed_at"),
            ("full_resolution", "last_completed_at"),
            ("first_assignment", "first_assigned_at"),
        ):
            for kind in ("", "business_"):
                length = row[f"{kind}{measure}_seconds"]
                if length is not None:
                    procedure = _procedure_at(seen[row["process_id"]], measure, row[ended_at])
                    ended.append((procedure, kind + measure, length, row[ended_at]))
    by_process = {row["process_id"]: row for row in lifecycles}
    for process in processes(versions, procedures, as_of=as_of):
        closed_at = process["completed_at"] or process["cancelled_at"]
        if closed_at is not None:
            process_id = process["process_id"]
            procedure = _closings(seen[process_id])[-1].procedure
            for measure in ("open", "business_open"):
                length = by_process[process_id][f"{measure}_seconds"]
                ended.append((procedure, measure, length, closed_at))
    ended += [
        (row["procedure"], kind + row["measure"], row[f"{kind}seconds"], row["ended_at"])
        for row in process_durations(versions, procedures, as_of=as_of, time_zone=time_zone)
        if row["ended_by"] == "stop"
        for kind in ("", "business_")
    ]
    groups: dict[tuple[str, str, date | None], list[int]] = defaultdict(list)
    unseen: Counter[tuple[str, str, date | None]] = Counter()
    for procedure, measure, length, ended_at in ended:
        month = local_day(ended_at, zone).replace(day=1)
        for period in (None, month):
            lengths = groups[procedure, measure, period]
            if ended_at >= since[procedure]:
                lengths.append(round(length * 1000))
            else:
                unseen[procedure, measure, period] += 1
    return [
        {
            "procedure": procedure,
            "measure": measure,
            "period": period,
            "n": len(lengths),
            "mean_seconds": mean_seconds(lengths),
            "p50_seconds": percentile_seconds(lengths, 0.5),
            "p75_seconds": percentile_seconds(lengths, 0.75),
            "p90_seconds": percentile_seconds(lengths, 0.9),
            "p95_seconds": percentile_seconds(lengths, 0.95),
            "n_left_out": unseen[procedure, measure, period],
        }
        for (procedure, measure, period), lengths in sorted(groups.items(), key=str)
    ]


def backlog_daily(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """Open processes per local day, procedure and state at the end of the day; only where any."""
    zone = ZoneInfo(time_zone)
    visits = state_visits(versions, procedures, as_of=as_of)
    rows: list[Row] = []
    for procedure, spells in open_spells(versions, as_of).items():
        for day in days(spells, as_of, zone):
            at = last_instant(day, as_of, zone)
            open_ids = {spell["process_id"] for spell in spells if contains(spell, at, "started")}
            states = Counter(
                visit["state"]
                for visit in visits
                if visit["procedure"] == procedure
                and visit["process_id"] in open_ids
                and contains(visit, at, "entered")
            )
            rows += [
                {
                    "day": day,
                    "procedure": procedure,
                    "state": state,
                    "open_processes": states[state],
                }
                for state in sorted(states)
            ]
    return rows


def flow_daily(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """Openings and endings per procedure and local day, from the first to the day of `as_of`."""
    zone = ZoneInfo(time_zone)
    rows: list[Row] = []
    for procedure, spells in open_spells(versions, as_of).items():
        for day in days(spells, as_of, zone):
            events = Counter(
                spell[event]
                for spell in spells
                for event, at in (("opened_by", "started_at"), ("ended_by", "ended_at"))
                if spell[at] is not None and local_day(spell[at], zone) == day
            )
            at_start, at_end = (
                sum(contains(spell, instant, "started") for spell in spells)
                for instant in (midnight(day, zone) - 1, last_instant(day, as_of, zone))
            )
            rows.append(
                {"day": day, "procedure": procedure, "open_at_start": at_start}
                | {event: events[event] for event in (*_OPENINGS, *_ENDINGS)}
                | {"open_at_end": at_end}
            )
    return rows


def state_transitions(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per procedure and pair of states that followed each other; times spent in the first.

    A visit does not follow one that ended with a deletion or a change of procedure.
    """
    lengths: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    movers: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    visits = state_visits(versions, procedures, as_of=as_of)
    for before, after in pairwise(visits):
        is_apart = before["is_left_by_deletion"] or before["is_left_by_procedure_change"]
        if before["process_id"] == after["process_id"] and not is_apart:
            pair = (before["procedure"], before["state"], after["state"])
            lengths[pair].append(before["left_at"] - before["entered_at"])
            movers[pair].add(before["process_id"])
    return [
        {
            "procedure": procedure,
            "from_state": from_state,
            "to_state": to_state,
            "n": len(times),
            "processes": len(movers[procedure, from_state, to_state]),
            "is_allowed": is_allowed(procedures[procedure], from_state, to_state),
            "mean_seconds": mean_seconds(times),
            "p50_seconds": percentile_seconds(times, 0.5),
            "p90_seconds": percentile_seconds(times, 0.9),
        }
        for (procedure, from_state, to_state), times in sorted(lengths.items())
    ]


def variants(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per procedure and sequence of states, most frequent first, then by name.

    All processes that were ever in a state count, open and deleted ones too.
    """
    paths: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for visit in state_visits(versions, procedures, as_of=as_of):
        paths[visit["process_id"], visit["procedure"]].append(visit)
    resolution: dict[tuple[str, str], float] = {}
    seen = histories(versions, as_of)
    for row in process_lifecycle(versions, procedures, as_of=as_of):
        if row["resolution_seconds"] is not None:
            closing = _closings(seen[row["process_id"]], "COMPLETED")[0]
            resolution[row["process_id"], closing.procedure] = row["resolution_seconds"]
    groups: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for member, visits in paths.items():
        variant = " > ".join(v["state"] for v in visits if v["direction"] != "same")
        groups[member[1]][variant].append(member)
    rows: list[Row] = []
    for procedure in sorted(groups):
        total = sum(len(members) for members in groups[procedure].values())
        so_far = 0
        for variant, members in sorted(
            groups[procedure].items(), key=lambda item: (-len(item[1]), item[0])
        ):
            so_far += len(members)
            resolved = [
                round(resolution[member] * 1000) for member in members if member in resolution
            ]
            rows.append(
                {
                    "procedure": procedure,
                    "variant": variant,
                    "n_steps": len(variant.split(" > ")),
                    "processes": len(members),
                    "share": len(members) / total,
                    "cumulative_share": so_far / total,
                    "p50_resolution_seconds": percentile_seconds(resolved, 0.5),
                }
            )
    return rows


def _closings(history: list[Version], *statuses: str) -> list[Spell]:
    """The spells that a closing began, of these statuses or of both."""
    return [
        spell
        for spell in spells_of(history)
        if spell.status in (statuses or ("COMPLETED", "CANCELLED")) and spell.began_by != "moved_in"
    ]


def _procedure_at(history: list[Version], measure: str, at: int) -> str:
    """The procedure of the process when what is measured ended."""
    if measure == "resolution":
        return _closings(history, "COMPLETED")[0].procedure
    if measure == "full_resolution":
        return _closings(history, "COMPLETED")[-1].procedure
    visited = [
        run.first["procedure"] for run in runs(history, "state") if run.began_at(history) <= at
    ]
    return [history[-1]["procedure"], *visited][-1]


def open_spells(versions: list[Version], as_of: int) -> dict[str, list[Row]]:
    """OPEN spells per procedure (sorted), each with the events that bound it."""
    found: dict[str, list[Row]] = defaultdict(list)
    for process_id, history in histories(versions, as_of).items():
        for number, spell in enumerate(spells_of(history), start=1):
            if spell.status == "OPEN":
                found[spell.procedure].append(
                    {
                        "process_id": process_id,
                        "procedure": spell.procedure,
                        "spell_no": number,
                        "started_at": spell.started_at,
                        "ended_at": spell.ended_at,
                        "opened_by": spell.began_by,
                        "ended_by": spell.ended_by,
                        "shown": spell.shown,
                        "is_inferred": spell.shown[0]["status"] != "OPEN",
                    }
                )
    return {procedure: found[procedure] for procedure in sorted(found)}
