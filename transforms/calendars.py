"""Calendars of working time for the SQL: as rows of `config` tables, and one chosen per process.

What a calendar is, is in `schemas/working_calendars.py`; its slots are in `working_slots.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache

import polars as pl
import sqlglot
from sqlglot import exp

from schemas.calendar_choices import calendar_formula, calendars_of
from schemas.catalogue_processes import PROCESSES
from schemas.definitions import Procedure
from schemas.formulas import Formula
from schemas.working_calendars import ALWAYS, Calendar
from transforms.wide import attributes_table
from transforms.working_slots import working_slots

_SLOTS = {
    "calendar": pl.String,
    "starts_at": pl.Datetime("ms"),
    "ends_at": pl.Datetime("ms"),
    "worked_ms_before": pl.Int64,
}


def calendar_frames(
    procedures: Sequence[Procedure], calendars: Mapping[str, Calendar]
) -> dict[str, pl.DataFrame]:
    """The `config` tables of working time, with the calendars that a process or policy may have.

    `calendars` and `working_slots` have them and their slots; `always`, which every warehouse has,
    needs no slots. `procedure_calendars` says which procedure may choose which, and by `slots` when
    a calendar is another than it was.
    """
    chosen = [(p.short_id, name) for p in procedures for name in calendars_of(p, calendars)]
    of_policies = {sla.calendar for p in procedures for sla in p.slas if sla.calendar}
    used = sorted(({name for _, name in chosen} | of_policies) - {ALWAYS})
    slots = {name: working_slots(calendars[name]) for name in used}
    prints = {name: _fingerprint(calendars[name]) for name in used}
    zones = [(name, calendars[name].timezone, False) for name in used]
    return {
        "calendars": pl.DataFrame(
            [(ALWAYS, "UTC", True), *zones],
            schema={"calendar": pl.String, "time_zone": pl.String, "is_always": pl.Boolean},
            orient="row",
        ),
        "procedure_calendars": pl.DataFrame(
            [(procedure, name, prints.get(name, "")) for procedure, name in chosen],
            schema={"procedure": pl.String, "calendar": pl.String, "slots": pl.String},
            orient="row",
        ),
        "working_slots": pl.concat(
            [
                pl.DataFrame(schema=_SLOTS),
                *(
                    frame.select(pl.lit(name).alias("calendar"), *frame.columns)
                    for name, frame in slots.items()
                ),
            ]
        ),
    }


@cache
def _fingerprint(calendar: Calendar) -> str:
    """What tells one calendar from another: its slots, so that its time zone's rules count too."""
    slots = working_slots(calendar)
    text = [slots[name].to_physical().to_list() for name in ("starts_at", "ends_at")]
    return hashlib.sha256(repr(text).encode()).hexdigest()


def process_calendars_sql(procedures: Sequence[Procedure], select: str) -> str:
    """The statement `select`, which reads `choices`, with those of `procedures`.

    Grain of `choices`: one row per process, with the name its formula gives (null without one, or
    where it fails) and the calendar that counts otherwise.
    """
    choices: exp.Query = exp.select(
        *(
            exp.alias_(exp.cast(exp.null(), kind), name)
            for name, kind in (
                ("process_id", "uuid"),
                ("procedure", "varchar"),
                ("calendar", "varchar"),
                ("otherwise", "varchar"),
            )
        )
    ).where(exp.false())
    for procedure in procedures:
        choices = choices.union(_choices(procedure), distinct=False)
    chosen = sqlglot.parse_one(select, dialect="duckdb")
    assert isinstance(chosen, exp.Query)
    query = exp.select("*").from_(chosen.subquery("chosen")).with_("choices", as_=choices)
    return query.sql(dialect="duckdb", pretty=True, comments=False)


def _choices(procedure: Procedure) -> exp.Select:
    formula = calendar_formula(procedure)
    given: exp.Expr = exp.cast(exp.null(), "varchar")
    if formula:
        given = exp.Dot(this=exp.paren(formula.checked), expression=exp.to_identifier("v"))
    return exp.select(
        "process_id",
        "procedure",
        exp.alias_(given, "calendar"),
        exp.alias_(exp.Literal.string(procedure.calendar.otherwise), "otherwise"),
    ).from_(_read_by(formula, procedure).subquery("known"))


def _read_by(formula: Formula | None, procedure: Procedure) -> exp.Select:
    """The processes of a procedure with the columns that the formula reads."""
    is_mine = exp.EQ(
        this=exp.column("procedure", "p"), expression=exp.Literal.string(procedure.short_id)
    )
    query = exp.select("p.process_id", "p.procedure").where(is_mine)
    query = query.from_(exp.alias_(exp.to_table("processes"), "p", table=True))
    names = sorted(formula.reads - {"process_id", "procedure"}) if formula else []
    own = {*PROCESSES.column_names}
    for name in names:
        query = query.select(exp.column(name, "p" if name in own else "a", quoted=True))
    if own.issuperset(names):
        return query
    attributes = exp.alias_(exp.to_table(attributes_table(procedure)), "a", table=True)
    return query.join(attributes, on="a.process_id = p.process_id")
