"""Reference for funnels: how far each process got in each mode, and the counts per step.

A definition has `name`, `steps` (`name`, `states`, `outcome`, `optional`, `within_ms`, `gap_ms`),
`within_ms`, `exclude` and `entry`. Conditions on values are left out.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from statistics import NormalDist
from typing import Any
from zoneinfo import ZoneInfo

from .durations import percentile_seconds, seconds
from .history import processes, status_spells
from .intervals import limits
from .observation import observed_since
from .versions import Procedures, Row, Run, Version, histories, runs, start

MODES = ("ordered", "strict", "any_order", "reached")
_NEVER = (10**9, 0)
_Z = NormalDist().inv_cdf(0.975)
_ONLY_PUBLISHED = (
    "n_left_out",
    *(f"share_of_first_adjusted{end}" for end in ("", "_low", "_high")),
)
_ELSEWHERE = "a state of another procedure"


@dataclass(frozen=True)
class Mark:
    """A move into a state, or an outcome. Marks are ordered by the version that shows them."""

    place: tuple[int, int]
    at: int
    state: str | None
    rank: int
    move_no: int
    outcome: str | None = None


@dataclass
class Path:
    """The steps a process reached: number -> instant; and why it got no further."""

    process_id: str
    entered_at: int
    entry_version: int
    reached: dict[int, int]
    stop_reason: str
    is_whole: bool = True
    """Whether the process was observed from its start."""
    attempt_no: int = 1


def funnel_progress(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str = "UTC"
) -> list[Row]:
    """One row per funnel, mode, process and step reached; `stop_reason` only on the last."""
    rows: list[Row] = []
    for short_id, definition, mode in _all(procedures):
        names = step_names(definition, mode)
        for path in paths(versions, procedures, short_id, definition, mode, as_of, time_zone):
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
                        "is_observed_from_start": path.is_whole,
                    }
                )
                previous = at
    return rows


def funnel_steps(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str = "UTC"
) -> list[Row]:
    """One row per funnel, mode and step, steps that no process reached included."""
    rows: list[Row] = []
    for short_id, definition, mode in _all(procedures):
        found = paths(versions, procedures, short_id, definition, mode, as_of, time_zone)
        head = {"funnel": definition["name"], "procedure": short_id, "mode": mode}
        rows += [head | step for step in step_rows(found, definition, mode, as_of)]
    return rows


def funnel_cohorts(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> list[Row]:
    """The step rows by local month of entry."""
    zone = ZoneInfo(time_zone)
    rows: list[Row] = []
    for short_id, definition, mode in _all(procedures):
        cohorts: dict[date, list[Path]] = defaultdict(list)
        for path in paths(versions, procedures, short_id, definition, mode, as_of, time_zone):
            entered = datetime.fromtimestamp(path.entered_at / 1000, UTC).astimezone(zone)
            cohorts[entered.date().replace(day=1)].append(path)
        for cohort, found in cohorts.items():
            head = {"funnel": definition["name"], "procedure": short_id, "mode": mode}
            rows += [
                {**head, "cohort": cohort, **step}
                for step in step_rows(found, definition, mode, as_of)
            ]
    return rows


def breakdowns_at_entry(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    attribute: str,
    time_zone: str = "UTC",
) -> list[Row]:
    """The step rows by the value of an attribute at the entry."""
    found = histories(versions, as_of)
    rows: list[Row] = []
    for short_id, definition, mode in _all(procedures):
        groups: dict[Any, list[Path]] = defaultdict(list)
        for path in paths(versions, procedures, short_id, definition, mode, as_of, time_zone):
            value = _value_at_entry(found[path.process_id], path, attribute, short_id)
            groups[value].append(path)
        for value, members in groups.items():
            head = {"funnel": definition["name"], "mode": mode, "value": value}
            rows += [{**head, **step} for step in step_rows(members, definition, mode, as_of)]
    return rows


def values_at_entry(
    versions: list[Version], procedures: Procedures, *, as_of: int, attribute: str
) -> list[Row]:
    """One row per funnel and process that entered it in order: the value of an attribute then."""
    found = histories(versions, as_of)
    rows: list[Row] = []
    for short_id, definition, mode in _all(procedures):
        if mode != "ordered":
            continue
        window = definition["within_ms"]
        rows += [
            {
                "funnel": definition["name"],
                "procedure": short_id,
                "process_id": path.process_id,
                "attribute": attribute,
                "value": _value_at_entry(found[path.process_id], path, attribute, short_id),
                "entered_at": path.entered_at,
                "is_window_over": None if window is None else as_of - path.entered_at >= window,
                "is_finished": path.stop_reason == "finished",
                "is_observed_from_start": path.is_whole,
            }
            for path in paths(versions, procedures, short_id, definition, mode, as_of, "UTC")
        ]
    return rows


def converted_at_entry(
    versions: list[Version],
    procedures: Procedures,
    short_id: str,
    definition: dict[str, Any],
    *,
    as_of: int,
    attribute: str,
) -> list[tuple[Any, bool, bool]]:
    """Of each process that entered a funnel in order and was observed from its start: the value of
    an attribute at the entry, whether its window is over, and whether it finished the funnel.
    """
    found = histories(versions, as_of)
    entered = paths(versions, procedures, short_id, definition, "ordered", as_of, "UTC")
    return [
        (
            _value_at_entry(found[path.process_id], path, attribute, short_id),
            as_of - path.entered_at >= definition["within_ms"],
            path.stop_reason == "finished",
        )
        for path in entered
        if path.is_whole
    ]


def _value_at_entry(history: list[Version], path: Path, attribute: str, procedure: str) -> Any:
    """That of the last version until the entry, of those up to the one that shows the entry.

    Versions of another procedure have none of the attributes of this one.
    """
    mine = [v for v in history[: path.entry_version + 1] if v["procedure"] == procedure]
    until = [v for v in mine if v["updated_at"] <= path.entered_at]
    return (until or mine)[-1 if until else 0]["data"].get(attribute)


def funnel(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    steps: Sequence[str | Sequence[str]],
    procedure: str | None = None,
    within_ms: int | None = None,
    mode: str = "ordered",
    time_zone: str = "UTC",
    unit: str = "process",
) -> list[Row]:
    """The step rows of a funnel asked for on the spot, over one procedure or all of them."""
    definition = {
        "name": "ad hoc",
        "steps": [asked_step(step) for step in steps],
        "within_ms": within_ms,
    }
    found: list[Path] = []
    for short_id in procedures:
        if procedure in (None, short_id):
            found += paths(
                versions, procedures, short_id, definition, mode, as_of, time_zone, unit=unit
            )
    rows = step_rows(found, definition, mode, as_of)
    return [{name: row[name] for name in row if name not in _ONLY_PUBLISHED} for row in rows]


def asked_step(step: str | Sequence[str]) -> dict[str, Any]:
    """A step is a state, several (named by them, joined with ` | `), or `outcome: completed`."""
    if isinstance(step, str) and step.startswith("outcome: "):
        return {"name": step.split()[1], "outcome": step.split()[1]}
    states = [step] if isinstance(step, str) else list(step)
    return {"name": " | ".join(states), "states": states}


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
    time_zone: str,
    *,
    unit: str = "process",
) -> list[Path]:
    """The processes, or attempts, that entered while they were of a procedure, in a mode."""
    latest = {row["process_id"]: row for row in processes(versions, procedures, as_of=as_of)}
    since = observed_since(versions, procedures, as_of=as_of, time_zone=time_zone)
    states = procedures[short_id]["states"]
    ranks = {state["short_id"]: rank for rank, state in enumerate(states, start=1)}
    found: list[Path] = []
    for process_id, history in histories(versions, as_of).items():
        marks = _marks(history, short_id, ranks, as_of)
        outcome = latest[process_id]["outcome"]
        ending = outcome if latest[process_id]["procedure"] == short_id else "moved_out"
        parts = [marks]
        begins: list[Mark] = []
        if unit == "attempt":
            begins = _attempts(marks, definition["steps"][0])
            parts = [
                [m for m in marks if a.place <= m.place <= (b.place if b else _NEVER)]
                for a, b in zip(begins, [*begins, None][1:], strict=True)
            ]
        for number, part in enumerate(parts, start=1):
            path = _path(part, definition, mode, outcome, ending, ranks, as_of)
            if path is None:
                continue
            path.process_id = process_id
            path.is_whole = start(history) >= since[history[0]["procedure"]]
            path.attempt_no = number
            if number < len(begins) and path.stop_reason not in ("finished", "strayed"):
                within = definition["within_ms"]
                is_late = within is not None and begins[number].at - path.entered_at > within
                path.stop_reason = "out_of_time" if is_late else "restarted"
            found.append(path)
    return found


def _attempts(marks: list[Mark], step: dict[str, Any]) -> list[Mark]:
    """Where attempts begin: each outcome, each move that does not come from a state of the step."""
    moves = {mark.move_no: mark for mark in marks if mark.state}
    return [
        mark
        for mark in marks
        if _fits(mark, step)
        and not (mark.state and mark.move_no - 1 in moves and _fits(moves[mark.move_no - 1], step))
    ]


def step_rows(entered: list[Path], definition: dict[str, Any], mode: str, as_of: int) -> list[Row]:
    """The counts per step of the paths of processes that were observed from their start."""
    found = [path for path in entered if path.is_whole]
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
                **limits("share_of_first", len(there), counts[0]),
                "is_small": counts[0] < 5,
                "n_left_out": len(entered) - len(found),
                **_adjusted(found, step_no, definition["within_ms"], as_of),
            }
        )
    return rows


def _adjusted(found: list[Path], step_no: int, within: int | None, as_of: int) -> Row:
    """The share that reach a step within the window: the mass of a process that is watched for less
    is shared by those watched for longer, whether they have left or not (Efron 1967).
    """
    ages = [as_of - path.entered_at for path in found]
    name = "share_of_first_adjusted"
    if within is None or not any(age >= within for age in ages):
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"))
    watched = [
        (path.reached[step_no] - path.entered_at, 0)
        if step_no in path.reached
        else (min(age, within), 1)
        for path, age in zip(found, ages, strict=True)
    ]
    mass, share, variance = 1 / len(watched), 0.0, 0.0
    for there, (_, is_short) in zip(range(len(watched), 0, -1), sorted(watched), strict=True):
        if is_short:
            mass += mass / (there - 1) if there > 1 else 0
        else:
            share += mass
            # Greenwood's formula, one process at a time.
            variance += 1 / (there * (there - 1)) if there > 1 else 0
    low, high = None, None
    if 1e-9 < share < 1 - 1e-9:
        scale = math.log(-math.log(1 - share))
        width = _Z * math.sqrt(variance) / -math.log(1 - share)
        low, high = (1 - math.exp(-math.exp(scale + w)) for w in (-width, width))
    return {name: share, f"{name}_low": low, f"{name}_high": high}


def _all(procedures: Procedures) -> list[tuple[str, dict[str, Any], str]]:
    return [
        (short_id, definition, mode)
        for short_id in sorted(procedures)
        for definition in procedures[short_id]["funnels"]
        for mode in MODES
    ]


def _marks(history: list[Version], procedure: str, ranks: dict[str, int], as_of: int) -> list[Mark]:
    """Moves and outcomes of a process in order; of one version the move comes first.

    A stay after a restore in the same state is not a move: the process came from nowhere. A move
    in another procedure is to a state that no step has, and outcomes there are left out.
    """
    number = {id(version): place for place, version in enumerate(history)}
    marks = [
        Mark(
            (number[id(run.first)], 0),
            run.began_at(history),
            run.first["state"] if run.first["procedure"] == procedure else _ELSEWHERE,
            ranks[run.first["state"]] if run.first["procedure"] == procedure else 0,
            move_no,
        )
        for move_no, run in enumerate(_moves(history), start=1)
    ]
    closings = [spell for spell in status_spells(history, as_of=as_of) if spell["status"] != "OPEN"]
    closed = [run for run in runs(history, "status") if run.first["status"] != "OPEN"]
    for run, spell in zip(closed, closings, strict=True):
        if run.first["procedure"] != procedure:
            continue
        place = (number[id(run.first)], 1)
        move_no = max(mark.move_no for mark in marks if mark.state and mark.place <= place)
        outcome = spell["status"].lower()
        marks.append(Mark(place, spell["started_at"], None, 0, move_no, outcome))
    return sorted(marks, key=lambda mark: mark.place)


def _moves(history: list[Version]) -> list[Run]:
    found = runs(history, "state")
    return [
        run
        for before, run in zip([None, *found], found, strict=False)
        if before is None
        or any(before.first[field] != run.first[field] for field in ("procedure", "state"))
    ]


def _path(
    marks: list[Mark],
    definition: dict[str, Any],
    mode: str,
    outcome: str,
    ending: str,
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
    path = Path("", entry.at, entry.place[0], reached, "")
    path.stop_reason = _stop_reason(path, best, marks, definition, mode, ending, excluded, as_of)
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
    """The very next move, or an outcome before it, must be the next step, or one after optional."""
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
            if m.place > last.place and m.move_no - (m.state is not None) == last.move_no
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
    """Each step when it is first done, in any order; equal steps one after the other."""
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
    """A process further on has reached the steps before, unless it was cancelled."""
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
    ending: str,
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
    if mode == "strict" and any(m.state and m.move_no > last.move_no for m in marks):
        return "strayed"
    if ending != "open":
        return ending
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
