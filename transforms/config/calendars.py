"""The calendars that processes and SLA policies can have, as rows of `config` tables."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

import polars as pl

from schemas.compiled.calendars import calendars_of
from schemas.definitions.calendar import ALWAYS, Calendar
from schemas.definitions.procedure import Procedure
from transforms.config.working_slots import working_days, working_slots

_SLOTS = {
    "calendar": pl.String,
    "starts_at": pl.Datetime("us"),
    "ends_at": pl.Datetime("us"),
    "worked_ms_before": pl.Int64,
}
_DAYS = {
    "calendar": pl.String,
    "day_no": pl.Int64,
    "ends_at": pl.Datetime("us"),
    "worked_ms_before": pl.Int64,
}
_ALWAYS_SLOT = pl.DataFrame(
    [(ALWAYS, datetime(1970, 1, 1), datetime(9999, 12, 31), 0)],  # noqa: DTZ001 - UTC
    schema=_SLOTS,
    orient="row",
)
CALENDAR_TABLES = ("calendars", "procedure_calendars", "working_slots", "working_days")


def calendar_frames(
    procedures: Sequence[Procedure], calendars: Mapping[str, Calendar]
) -> dict[str, pl.DataFrame]:
    """The `config` tables of working time, with the calendars that a process or policy may have.

    `procedure_calendars` has the calendars a procedure may choose from, each with a fingerprint in
    `slots` that changes with its working time. In `working_slots` the calendar `always` is one slot
    until the year 9999; `working_days` leaves it out, because each of its days has 24 hours.
    """
    chosen = [(p.short_id, name) for p in procedures for name in calendars_of(p, calendars)]
    of_policies = {sla.calendar for p in procedures for sla in p.slas if sla.calendar}
    used = sorted(({name for _, name in chosen} | of_policies) - {ALWAYS})
    fingerprints = {name: _fingerprint(calendars[name]) for name in used}
    slots = [_named(name, working_slots(calendars[name])) for name in used]
    days = [_named(name, working_days(calendars[name])) for name in used]
    return {
        "calendars": pl.DataFrame({"calendar": [ALWAYS, *used]}),
        "procedure_calendars": pl.DataFrame(
            [(procedure, name, fingerprints.get(name, "")) for procedure, name in chosen],
            schema={"procedure": pl.String, "calendar": pl.String, "slots": pl.String},
            orient="row",
        ),
        "working_slots": pl.concat([_ALWAYS_SLOT, *slots]),
        "working_days": pl.concat([pl.DataFrame(schema=_DAYS), *days]),
    }


def _named(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.lit(name).alias("calendar"), *frame.columns)


@cache
def _fingerprint(calendar: Calendar) -> str:
    """A hash of the slots, so that a change in the rules of the time zone changes it too."""
    slots = working_slots(calendar)
    text = [slots[name].to_physical().to_list() for name in ("starts_at", "ends_at")]
    return hashlib.sha256(repr(text).encode()).hexdigest()
