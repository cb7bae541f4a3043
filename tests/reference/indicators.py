"""Reference for the key figures by day: each from the other tables of the reference."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise
from statistics import mean
from typing import Any
from zoneinfo import ZoneInfo

from .days import local_day, midnight
from .durations import percentile_seconds
from .history import status_spells
from .marts import flow_daily
from .observation import observed_since
from .sla import WorkingTime, sla_clocks
from .versions import Procedures, Row, Version, histories, start

_LEAST, _BEFORE = 14, 28


def indicators(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    time_zone: str,
    calendars: Mapping[str, WorkingTime] | None = None,
) -> list[Row]:
    """One row per procedure, indicator and whole local day."""
    zone = ZoneInfo(time_zone)
    since = observed_since(versions, procedures, as_of=as_of, time_zone=time_zone)
    days = [
        row
        for row in flow_daily(versions, procedures, as_of=as_of, time_zone=time_zone)
        if midnight(row["day"], zone) >= since[row["procedure"]]
        and midnight(row["day"] + timedelta(days=1), zone) <= as_of + 1
    ]
    values = _counted(days) | _resolutions(versions, days, as_of, zone)
    values |= _shares(
        sla_clocks(versions, procedures, as_of=as_of, calendars=calendars), procedures, days, zone
    )
    rows: list[Row] = []
    for (procedure, name, unit), by_day in values.items():
        in_order = sorted(by_day)
        targets = {t["name"]: t for t in procedures[procedure].get("indicators", ())}
        rows += [
            {"procedure": procedure, "indicator": name, "unit": unit, "day": day}
            | {"value": by_day[day]}
            | _of_day([by_day[d] for d in in_order[: place + 1]], name, targets.get(name, {}))
            for place, day in enumerate(in_order)
        ]
    return rows


Values = dict[tuple[str, str, str], dict[date, float | None]]


def _counted(days: list[Row]) -> Values:
    found: Values = {}
    for row in days:
        for name, number in (
            ("arrivals", row["created"] + row["reopened"] + row["restored"]),
            ("closed", row["completed"] + row["cancelled"]),
            ("completed", row["completed"]),
            ("open", row["open_at_end"]),
        ):
            found.setdefault((row["procedure"], name, "processes"), {})[row["day"]] = number
    return found


def _resolutions(versions: list[Version], days: list[Row], as_of: int, zone: ZoneInfo) -> Values:
    took: dict[tuple[str, date], list[int]] = {}
    for history in histories(versions, as_of).values():
        for spell in status_spells(history, as_of=as_of):
            if spell["status"] == "COMPLETED" and spell["began_by"] != "moved_in":
                at = spell["started_at"]
                place = (spell["procedure"], local_day(at, zone))
                took.setdefault(place, []).append(at - start(history))
                break
    found: Values = {}
    for row in days:
        times = took.get((row["procedure"], row["day"]), [])
        key = (row["procedure"], "resolution", "seconds")
        found.setdefault(key, {})[row["day"]] = percentile_seconds(times, 0.5)
    return found


def _shares(clocks: list[Row], procedures: Procedures, days: list[Row], zone: ZoneInfo) -> Values:
    found: Values = {}
    for row in days:
        for policy in procedures[row["procedure"]].get("slas", ()):
            name = policy["name"]
            mine = [
                clock["status"] == "met"
                for clock in clocks
                if (clock["procedure"], clock["policy"]) == (row["procedure"], name)
                and clock["status"] in ("met", "breached")
                and local_day(_decided_at(clock), zone) == row["day"]
            ]
            key = (row["procedure"], f"sla: {name}", "share")
            found.setdefault(key, {})[row["day"]] = mean(mine) if mine else None
    return found


def _decided_at(clock: Row) -> int:
    return clock["stopped_at"] if clock["breached_at"] is None else clock["breached_at"]


def _of_day(values: list[float | None], name: str, target: Mapping[str, Any]) -> Row:
    """What follows for the last day from the values of all days so far."""
    value = values[-1]
    before = [v for v in values[:-1][-_BEFORE:] if v is not None]
    center = low = high = signal = None
    if len(before) >= _LEAST and name != "open":
        center = mean(before)
        steps = [abs(after - first) for first, after in pairwise(before)]
        low = max(0.0, center - 2.66 * mean(steps))
        high = center + 2.66 * mean(steps)
        high = min(1.0, high) if name.startswith("sla: ") else high
        if value is not None:
            signal = "above" if value > high else "below" if value < low else None
    average = _mean_of(values, 7)
    aim, better = target.get("target"), target.get("better")
    on_target = None
    if average is not None and aim is not None:
        on_target = average >= aim if better == "higher" else average <= aim
    return {
        "average_7": average,
        "average_28": _mean_of(values, 28),
        "center": center,
        "lower_limit": low,
        "upper_limit": high,
        "signal": signal,
        "target": aim,
        "better": better,
        "is_on_target": on_target,
    }


def _mean_of(values: list[float | None], days: int) -> float | None:
    known = [value for value in values[-days:] if value is not None]
    return mean(known) if len(values) >= days and known else None
