"""Funnels by trying: how far each process came in each mode, and the counts per step.

A definition has `name`, `steps` (`name`, `states`, `outcome`, `optional`, `within_ms`, `gap_ms`),
`within_ms`, `exclude` and `entry`. Conditions on values do not belong here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from .durations import percentile_seconds, seconds
from .history import processes, status_spells
from .versions import Procedures, Row, Version, histories, runs

MODES = ("ordered", "strict", "any_order", "reached")
_NEVER = (10**9, 0)


@dataclass(frozen=True)
class Mark:
    """A visit begins, or an outcome comes. Marks are ordered by the version that shows them."""

    place: tuple[int, int]
    at: int
    state: str | None
    rank: int
    visit_no: int
    outcome: str | None = None


@dataclass
class Path:
    """The steps a process reached: number -> instant; and why it got no further."""

    process_id: str
    entered_at: int
    reached: dict[int, int]
    stop_reason: str


def funnel_progress(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per funnel, mode, process and step reached; `stop_reason` only on the last."""
    rows: list[Row] = []
    for short_id, definition, mode in _all(procedures):
        names = step_names(definition, mode)
        for path in paths(versions, procedures, short_id, definition, mode, as_of):
            previous = None
            for step_no, at in sorted(path.reached.items()):
                rows.append(
                    {
                        "funnel": definition["name"],
                        "procedure": short_id,
                        "mode": mode,
                        "process_id": path.process_id,
                        "step_no": step_no,
                        "step": names[step_no - 1],
                        "reached_at": at,
                        "seconds_from_first": seconds(at - path.entered_at),
                        "seconds_from_previous": None
                        if previous is None
                        else seconds(at - previous),
                        "stop_reason": path.stop_reason if step_no == max(path.reached) else None,
                    }
                )
                previous = at
    return rows


def funnel_steps(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per funnel, mode and step, steps that no process reached included."""
    rows: list[Row] = []
    for short_id, definition, mode in _all(procedures):
        found = paths(versions, procedures, short_id, definition, mode, as_of)
        head = {"funnel": definition["name"], "procedure": short_id, "mode": mode}
        rows += [head | step for step in step_rows(found, definition, mode)]
    return rows


def funnel_cohorts(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """The step rows by local month of entry."""
    zone = ZoneInfo(time_zone)
    rows: list[Row] = []
    for short_id, definition, mode in _all(procedures):
        cohorts: dict[date, list[Path]] = defaultdict(list)
        for path in paths(versions, procedures, short_id, definition, mode, as_of):
            entered = datetime.fromtimestamp(path.entered_at / 1000, UTC).astimezone(zone)
            cohorts[entered.date().replace(day=1)].append(path)
        for cohort, found in cohorts.items():
            head = {"funnel": definition["name"], "procedure": short_id, "mode": mode}
            rows += [
                {**head, "cohort": cohort, **step} for step in step_rows(found, definition, mode)
            ]
    return rows


def funnel(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    steps: Sequence[str | Sequence[str]],
    procedure: str | None = None,
    within_ms: int | None = None,
    mode: str = "ordered",
) -> list[Row]:
    """The step rows of a funnel asked for on the spot, over one procedure or all of them.

    A step is a state or several, named by its states joined with ` | `.
    """
    wanted = [[step] if isinstance(step, str) else list(step) for step in steps]
    definition = {
        "name": "ad hoc",
        "steps": [{"name": " | ".join(states), "states": states} for states in wanted],
        "within_ms": within_ms,
    }
    found: list[Path] = []
    for short_id in procedures:
        if procedure in (None, short_id):
            found += paths(versions, procedures, short_id, definition, mode, as_of)
    return step_rows(found, definition, mode)


def step_names(definition: dict[str, Any], mode: str) -> list[str]:
    """The names of the steps as a mode counts them."""
    if mode != "any_order":
        return [step["name"] for step in definition["steps"]]
    n = len([step for step in definition["steps"] if not step.get("optional")])
    return [f"{k} of {n} steps" for k in range(1, n + 1)]


def paths(
    versions: list[Version],
    procedures: Procedures,
    short_id: str,
    definition: dict[str, Any],
    mode: str,
    as_of: int,
) -> list[Path]:
    """The processes of a procedure that entered, in a mode."""
    outcomes = {
        row["process_id"]: row["outcome"] for row in processes(versions, procedures, as_of=as_of)
    }
    states = procedures[short_id]["states"]
    ranks = {state["short_id"]: rank for rank, state in enumerate(states, start=1)}
    found: list[Path] = []
    for process_id, history in histories(versions, as_of).items():
        if history[-1]["procedure"] != short_id:
            continue
        marks = _marks(history, procedures[short_id], as_of)
        path = _path(marks, definition, mode, outcomes[process_id], ranks, as_of)
        if path:
            path.process_id = process_id
            found.append(path)
    return found


def step_rows(found: list[Path], definition: dict[str, Any], mode: str) -> list[Row]:
    """The counts per step of some paths."""
    names = step_names(definition, mode)
    optional = [mode != "any_order" and bool(step.get("optional")) for step in definition["steps"]]
    rows: list[Row] = []
    counts = [sum(n in path.reached for path in found) for n in range(1, len(names) + 1)]
    for step_no, name in enumerate(names, start=1):
        there = [path for path in found if step_no in path.reached]
        before = [n for n in range(1, step_no) if not optional[n - 1]]
        previous = counts[before[-1] - 1] if before else counts[0]
        gaps = [
            path.reached[step_no] - path.reached[max(n for n in path.reached if n < step_no)]
            for path in there
            if step_no > 1
        ]
        lengths = [path.reached[step_no] - path.entered_at for path in there]
        rows.append(
            {
                "step_no": step_no,
                "step": name,
                "processes": len(there),
                "share_of_first": len(there) / counts[0] if counts[0] else None,
                "share_of_previous": len(there) / previous if previous else None,
                "median_seconds_from_first": percentile_seconds(lengths, 0.5),
                "p90_seconds_from_first": percentile_seconds(lengths, 0.9),
                "median_seconds_from_previous": percentile_seconds(gaps, 0.5),
                "immature": sum(
                    path.stop_reason == "open" and max(path.reached) < step_no for path in found
                ),
            }
        )
    return rows


def _all(procedures: Procedures) -> list[tuple[str, dict[str, Any], str]]:
    return [
        (short_id, definition, mode)
        for short_id in sorted(procedures)
        for definition in procedures[short_id]["funnels"]
        for mode in MODES
    ]


def _marks(history: list[Version], procedure: dict[str, Any], as_of: int) -> list[Mark]:
    """Visits and outcomes of a process in order; of one version the visit comes first."""
    ranks = {s["short_id"]: rank for rank, s in enumerate(procedure["states"], start=1)}
    number = {id(version): place for place, version in enumerate(history)}
    marks = [
        Mark(
            (number[id(run.first)], 0),
            run.began_at(history),
            run.first["state"],
            ranks[run.first["state"]],
            visit_no,
        )
        for visit_no, run in enumerate(runs(history, "state"), start=1)
    ]
    closings = [spell for spell in status_spells(history, as_of=as_of) if spell["status"] != "OPEN"]
    closed = [run for run in runs(history, "status") if run.first["status"] != "OPEN"]
    for run, spell in zip(closed, closings, strict=True):
        place = (number[id(run.first)], 1)
        visit_no = max(mark.visit_no for mark in marks if mark.state and mark.place <= place)
        outcome = spell["status"].lower()
        marks.append(Mark(place, spell["started_at"], None, 0, visit_no, outcome))
    return sorted(marks, key=lambda mark: mark.place)


def _path(
    marks: list[Mark],
    definition: dict[str, Any],
    mode: str,
    outcome: str,
    ranks: dict[str, int],
    as_of: int,
) -> Path | None:
    excluded = [m for m in marks if m.state in definition.get("exclude", ())]
    if mode == "any_order":
        tried = [_any_order(marks, definition, excluded)]
    elif mode == "reached":
        tried = [_reached(marks, definition, excluded, outcome, ranks)]
    else:
        entries = [m for m in marks if _fits(m, definition["steps"][0])]
        if definition.get("entry", "first") == "first":
            entries = entries[:1]
        attempt = _ordered if mode == "ordered" else _strict
        tried = [attempt(marks, entry, definition, excluded) for entry in entries]
    best: dict[int, Mark] = {}
    for chosen in tried:
        if _n_required(chosen, definition, mode) > _n_required(best, definition, mode):
            best = chosen
    if not best:
        return None
    # What comes after in a path is never earlier: a completion may be dated back.
    reached: dict[int, int] = {}
    latest = best[min(best)].at
    for step_no in sorted(best):
        latest = max(latest, best[step_no].at)
        reached[step_no] = latest
    entry = best[min(best)]
    path = Path("", entry.at, reached, "")
    path.stop_reason = _stop_reason(path, best, marks, definition, mode, outcome, excluded, as_of)
    return path


def _ordered(
    marks: list[Mark], entry: Mark, definition: dict[str, Any], excluded: list[Mark]
) -> dict[int, Mark]:
    """Required steps first, one after the other; then the optional ones between them."""
    steps = definition["steps"]
    end = min((m.place for m in excluded if m.place > entry.place), default=_NEVER)
    chosen = {1: entry}
    at = {1: entry.at}
    required = [n for n, step in enumerate(steps, start=1) if not step.get("optional")]
    for before, step_no in pairwise(required):
        mark = _next(marks, steps[step_no - 1], chosen[before], at[before], entry, definition, end)
        if mark is None:
            break
        chosen[step_no] = mark
        at[step_no] = max(mark.at, at[before])
    for step_no, step in enumerate(steps, start=1):
        if not step.get("optional"):
            continue
        before = max(n for n in required if n < step_no)
        after = min(n for n in required if n > step_no)
        if before not in chosen:
            continue
        last = max(n for n in chosen if before <= n < step_no)
        until = min(end, chosen[after].place if after in chosen else _NEVER)
        mark = _next(marks, step, chosen[last], at[last], entry, definition, until)
        if mark:
            chosen[step_no] = mark
            at[step_no] = max(mark.at, at[last])
    return chosen


def _strict(
    marks: list[Mark], entry: Mark, definition: dict[str, Any], excluded: list[Mark]
) -> dict[int, Mark]:
    """The very next visit, or an outcome before it, must be the next step, or one after optional."""
    del excluded
    steps = definition["steps"]
    chosen = {1: entry}
    at = entry.at
    while max(chosen) < len(steps):
        last_no = max(chosen)
        last = chosen[last_no]
        after = next(
            n for n in range(last_no + 1, len(steps) + 1) if not steps[n - 1].get("optional")
        )
        following = [
            m
            for m in marks
            if m.place > last.place and m.visit_no - (m.state is not None) == last.visit_no
        ]
        found = [
            (n, m)
            for n in range(last_no + 1, after + 1)
            for m in following
            if _fits(m, steps[n - 1]) and _in_time(m, steps[n - 1], at, entry, definition)
        ]
        if not found:
            break
        step_no, mark = min(found, key=lambda pair: (pair[0], pair[1].place))
        chosen[step_no] = mark
        at = max(at, mark.at)
    return chosen


def _any_order(
    marks: list[Mark], definition: dict[str, Any], excluded: list[Mark]
) -> dict[int, Mark]:
    """Each step when it is first done, in whatever order; equal steps one after the other."""
    done: list[tuple[tuple[int, int], int, Mark]] = []
    seen: list[tuple[frozenset[str], str | None]] = []
    for number, step in enumerate(definition["steps"]):
        key = (frozenset(step.get("states", ())), step.get("outcome"))
        seen.append(key)
        fitting = [m for m in marks if _fits(m, step)]
        place = seen.count(key) - 1
        if not step.get("optional") and place < len(fitting):
            done.append((fitting[place].place, number, fitting[place]))
    done.sort()
    chosen: dict[int, Mark] = {}
    latest = 0
    for k, (_, _, mark) in enumerate(done, start=1):
        entry = done[0][2]
        latest = max(latest, mark.at)
        end = min((m.place for m in excluded if m.place > entry.place), default=_NEVER)
        within = definition["within_ms"]
        if mark.place >= end or (within is not None and latest - entry.at > within):
            break
        chosen[k] = mark
    return chosen


def _reached(
    marks: list[Mark],
    definition: dict[str, Any],
    excluded: list[Mark],
    outcome: str,
    ranks: dict[str, int],
) -> dict[int, Mark]:
    """Who is further on has reached the steps before, except those that were cancelled."""
    chosen: dict[int, Mark] = {}
    latest_at, latest_place = 0, (0, 0)
    entry: Mark | None = None
    for step_no, step in enumerate(definition["steps"], start=1):
        signs = [m for m in marks if _fits(m, step)]
        if step.get("states") and outcome != "cancelled":
            signs += [m for m in marks if m.state and m.rank >= _least_rank(step, ranks)]
        mark = min(signs, key=lambda m: m.place, default=None)
        if mark is None:
            if step.get("optional"):
                continue
            break
        entry = entry or mark
        latest_at, latest_place = max(latest_at, mark.at), max(latest_place, mark.place)
        end = min((m.place for m in excluded if m.place > entry.place), default=_NEVER)
        within = definition["within_ms"]
        if latest_place >= end or (within is not None and latest_at - entry.at > within):
            break
        chosen[step_no] = mark
    return chosen


def _least_rank(step: dict[str, Any], ranks: dict[str, int]) -> int:
    return min(ranks[state] for state in step["states"])


def _next(
    marks: list[Mark],
    step: dict[str, Any],
    last: Mark,
    last_at: int,
    entry: Mark,
    definition: dict[str, Any],
    until: tuple[int, int],
) -> Mark | None:
    for mark in marks:
        if (
            last.place < mark.place < until
            and _fits(mark, step)
            and _in_time(mark, step, last_at, entry, definition)
        ):
            return mark
    return None


def _fits(mark: Mark, step: dict[str, Any]) -> bool:
    if step.get("outcome"):
        return mark.outcome == step["outcome"]
    return mark.state is not None and mark.state in step["states"]


def _in_time(
    mark: Mark, step: dict[str, Any], last_at: int, entry: Mark, definition: dict[str, Any]
) -> bool:
    at = max(mark.at, last_at)
    within, gap = step.get("within_ms"), step.get("gap_ms")
    return (
        (definition["within_ms"] is None or at - entry.at <= definition["within_ms"])
        and (within is None or at - last_at <= within)
        and (gap is None or at - last_at >= gap)
    )


def _n_required(chosen: dict[int, Mark], definition: dict[str, Any], mode: str) -> int:
    if mode == "any_order":
        return len(chosen)
    return sum(not definition["steps"][step_no - 1].get("optional") for step_no in chosen)


def _stop_reason(
    path: Path,
    chosen: dict[int, Mark],
    marks: list[Mark],
    definition: dict[str, Any],
    mode: str,
    outcome: str,
    excluded: list[Mark],
    as_of: int,
) -> str:
    steps, within = definition["steps"], definition["within_ms"]
    n_required = len([step for step in steps if not step.get("optional")])
    if _n_required(chosen, definition, mode) == n_required:
        return "finished"
    entry = chosen[min(chosen)]
    ends = [m for m in excluded if m.place > entry.place]
    if mode != "strict" and ends and (within is None or ends[0].at - entry.at <= within):
        return "excluded"
    last = chosen[max(chosen)]
    if mode == "strict" and any(m.state and m.visit_no > last.visit_no for m in marks):
        return "strayed"
    if outcome != "open":
        return outcome
    is_over = within is not None and as_of - entry.at >= within
    return "out_of_time" if is_over or _has_lapsed(path, steps, mode, as_of) else "open"


def _has_lapsed(path: Path, steps: list[dict[str, Any]], mode: str, as_of: int) -> bool:
    """Whether the window of the next required step has passed."""
    if mode not in ("ordered", "strict"):
        return False
    required = [n for n, step in enumerate(steps, start=1) if not step.get("optional")]
    last = max(n for n in required if n in path.reached)
    window = steps[min(n for n in required if n > last) - 1].get("within_ms")
    return window is not None and as_of - path.reached[last] >= window
