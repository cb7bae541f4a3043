"""What was open at the end of each day, and what it was worth: day by day, process by process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from .days import contains, days, last_instant, midnight
from .marts import open_spells
from .observation import observed_since
from .open_stays import open_stays
from .outcomes import Watched, incidence
from .pipeline import AmountAt
from .versions import Procedures, Row, Version


def pipeline_daily(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    time_zone: str,
    defined: Mapping[tuple[str, str], float],
    amount_at: AmountAt,
) -> list[Row]:
    """One row per day, procedure and state with something open; `defined` has the probabilities of
    definitions by procedure and state, `amount_at` gives a process's amount at an instant.
    """
    zone = ZoneInfo(time_zone)
    stays = open_stays(versions, procedures, as_of=as_of)
    since = observed_since(versions, procedures, as_of=as_of, time_zone=time_zone)
    rows: list[Row] = []
    for procedure, spells in open_spells(versions, as_of).items():
        mine = [stay for stay in stays if stay["procedure"] == procedure]
        for day in days(spells, as_of, zone):
            end = last_instant(day, as_of, zone)
            known_until = midnight(day.replace(day=1), zone)
            there: dict[str, list[Decimal | None]] = defaultdict(list)
            for stay in mine:
                if contains(stay, end):
                    there[stay["state"]].append(amount_at(stay["process_id"], end))
            for state, amounts in there.items():
                entries = _entries(mine, state, since[procedure], known_until)
                share = None
                if any(entry.outcome for entry in entries):
                    share = float(incidence(entries, "completed", max(e.ms for e in entries)))
                rows.append(
                    _row(day, procedure, state, amounts, defined.get((procedure, state)), share)
                    | {"n_observed": len(entries), "is_small": len(entries) < 5}
                )
    return rows


def _row(
    day: date,
    procedure: str,
    state: str,
    amounts: list[Decimal | None],
    defined: float | None,
    observed: float | None,
) -> Row:
    probability = observed if defined is None else defined
    amount = float(sum((a for a in amounts if a is not None), Decimal(0)))
    return {
        "day": day,
        "procedure": procedure,
        "state": state,
        "open_processes": len(amounts),
        "probability": probability,
        "weighted_processes": None if probability is None else probability * len(amounts),
        "amount": amount,
        "weighted_amount": None if probability is None else probability * amount,
        "n_without_value": sum(a is None for a in amounts),
        "defined_probability": defined,
        "observed_probability": observed,
    }


def _entries(stays: list[Row], state: str, since: int, until: int) -> list[Watched]:
    """What had come of the first entries into a state, as far as was known just before `until`."""
    of_spell: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for stay in stays:
        of_spell[stay["process_id"], stay["spell_no"]].append(stay)
    entries: list[Watched] = []
    for spell in of_spell.values():
        entered_at = next((s["started_at"] for s in spell if s["state"] == state), None)
        if entered_at is None or not since <= entered_at < until:
            continue
        ended_at, ended_by = spell[-1]["ended_at"], spell[-1]["ended_by"]
        if ended_at is None or ended_at >= until:
            entries.append(Watched(until - entered_at, None))
        else:
            outcome = "completed" if ended_by == "completed" else "cancelled"
            entries.append(Watched(ended_at - entered_at, outcome))
    return entries
