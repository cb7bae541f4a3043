"""Funnels in mode `ordered`: how far each process came, step by step, and the counts per step.

The other modes and cohorts by month of entry do not belong here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from .durations import percentile_seconds, seconds
from .history import processes, state_visits
from .versions import Procedures, Row, Version


def funnel_progress(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per funnel, process and step reached; `stop_reason` only on the last of a process."""
    rows: list[Row] = []
    for short_id in sorted(procedures):
        for definition in procedures[short_id]["funnels"]:
            for reached in _progress(versions, procedures, short_id, definition, as_of):
                for step_no, visit in enumerate(reached["visits"], start=1):
                    is_last = step_no == len(reached["visits"])
                    rows.append(
                        {
                            "funnel": definition["name"],
                            "mode": "ordered",
                            "process_id": reached["process_id"],
                            "step_no": step_no,
                            "step": definition["steps"][step_no - 1]["name"],
                            "reached_at": visit["entered_at"],
                            "seconds_from_first": seconds(_from_first(reached, step_no)),
                            "seconds_from_previous": (
                                None if step_no == 1 else seconds(_from_previous(reached, step_no))
                            ),
                            "stop_reason": reached["stop_reason"] if is_last else None,
                        }
                    )
    return rows


def funnel_steps(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per funnel and step, steps that no process reached included."""
    rows: list[Row] = []
    for short_id in sorted(procedures):
        for definition in procedures[short_id]["funnels"]:
            progress = _progress(versions, procedures, short_id, definition, as_of)
            head = {"funnel": definition["name"], "procedure": short_id, "mode": "ordered"}
            rows += [head | step for step in _steps(progress, definition, as_of)]
    return rows


def funnel(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    steps: Sequence[str | Sequence[str]],
    procedure: str | None = None,
    within_ms: int | None = None,
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
    progress: list[Row] = []
    for short_id in procedures:
        if procedure in (None, short_id):
            progress += _progress(versions, procedures, short_id, definition, as_of)
    return _steps(progress, definition, as_of)


def _progress(
    versions: list[Version],
    procedures: Procedures,
    short_id: str,
    definition: dict[str, Any],
    as_of: int,
) -> list[Row]:
    """Per process that entered: the visits chosen for the steps it reached, and why it stopped."""
    visits: dict[str, list[Row]] = defaultdict(list)
    for visit in state_visits(versions, procedures, as_of=as_of):
        visits[visit["process_id"]].append(visit)
    entered: list[Row] = []
    for process in processes(versions, procedures, as_of=as_of):
        if process["procedure"] != short_id:
            continue
        chosen = _chosen(visits[process["process_id"]], definition)
        if chosen:
            reached = {
                "process_id": process["process_id"],
                "outcome": process["outcome"],
                "entered_at": chosen[0]["entered_at"],
                "visits": chosen,
            }
            entered.append(reached | {"stop_reason": _stop_reason(reached, definition, as_of)})
    return entered


def _chosen(visits: list[Row], definition: dict[str, Any]) -> list[Row]:
    """For each step reached the earliest visit after that of the step before, by visit number."""
    chosen: list[Row] = []
    for step in definition["steps"]:
        for visit in visits:
            if chosen and visit["visit_no"] <= chosen[-1]["visit_no"]:
                continue
            if visit["state"] not in step["states"]:
                continue
            within = definition["within_ms"]
            if (
                chosen
                and within is not None
                and visit["entered_at"] - chosen[0]["entered_at"] > within
            ):
                continue
            chosen.append(visit)
            break
        else:
            break
    return chosen


def _stop_reason(reached: Row, definition: dict[str, Any], as_of: int) -> str:
    if len(reached["visits"]) == len(definition["steps"]):
        return "finished"
    if reached["outcome"] != "open":
        return reached["outcome"]
    within = definition["within_ms"]
    if within is not None and as_of - reached["entered_at"] > within:
        return "out_of_time"
    return "open"


def _steps(progress: list[Row], definition: dict[str, Any], as_of: int) -> list[Row]:
    counts = [
        sum(len(reached["visits"]) >= step_no for reached in progress)
        for step_no in range(1, len(definition["steps"]) + 1)
    ]
    rows: list[Row] = []
    for step_no, step in enumerate(definition["steps"], start=1):
        there = [reached for reached in progress if len(reached["visits"]) >= step_no]
        from_first = [_from_first(reached, step_no) for reached in there]
        from_previous = [_from_previous(reached, step_no) for reached in there if step_no > 1]
        rows.append(
            {
                "step_no": step_no,
                "step": step["name"],
                "processes": counts[step_no - 1],
                "share_of_first": _share(counts[step_no - 1], counts[0]),
                "share_of_previous": _share(counts[step_no - 1], counts[max(step_no - 2, 0)]),
                "median_seconds_from_first": percentile_seconds(from_first, 0.5),
                "p90_seconds_from_first": percentile_seconds(from_first, 0.9),
                "median_seconds_from_previous": percentile_seconds(from_previous, 0.5),
                "immature": sum(
                    _can_still_reach(reached, step_no, definition["within_ms"], as_of)
                    for reached in progress
                ),
            }
        )
    return rows


def _can_still_reach(reached: Row, step_no: int, within: int | None, as_of: int) -> bool:
    """Entered, open, not yet at the step, and entered less than `within` ago."""
    if len(reached["visits"]) >= step_no or reached["outcome"] != "open":
        return False
    return within is None or as_of - reached["entered_at"] < within


def _from_first(reached: Row, step_no: int) -> int:
    return reached["visits"][step_no - 1]["entered_at"] - reached["entered_at"]


def _from_previous(reached: Row, step_no: int) -> int:
    visits = reached["visits"]
    return visits[step_no - 1]["entered_at"] - visits[step_no - 2]["entered_at"]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
