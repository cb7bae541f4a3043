"""Which calendars apply to the processes of a procedure: its choice, checked and compiled."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.catalogue.processes import PROCESSES
from schemas.compiled.wide_table import wide_table
from schemas.definitions.attribute_types import BY_NAME
from schemas.definitions.calendar import ALWAYS, Calendar
from schemas.definitions.procedure import Procedure, Procedures, names_of_columns
from schemas.definitions.sla import Sla
from schemas.formulas import Formula, FormulaProblem, compile_formula, names_in
from schemas.loading.problems import Finding, KeyPath, shown

_TEXT = "VARCHAR"


def choosing_columns(procedure: Procedure) -> dict[str, str]:
    """The columns that a formula for the calendar may read: name -> DuckDB type.

    They are those of `processes`, with the values of each version, and the attributes. Columns
    computed from durations cannot be read, because they depend on the calendar.
    """
    columns = {column.name: column.type for column in PROCESSES.columns}
    for attribute in procedure.attributes:
        columns |= BY_NAME[attribute.type].columns(attribute.column)
    return columns


def calendar_formula(procedure: Procedure) -> Formula | None:
    """The formula that gives the calendar at each version of a process, if there is one.

    Raises FormulaProblem.
    """
    text = procedure.calendar.formula
    if text is None:
        return None
    columns, names = choosing_columns(procedure), names_of_columns(procedure)
    return compile_formula(text, columns, names=names, expects=_TEXT)


def calendars_of(procedure: Procedure, calendars: Mapping[str, Calendar]) -> list[str]:
    """The calendars that processes of a procedure may have, in order; with a formula, all."""
    if procedure.calendar.formula:
        return [ALWAYS, *calendars]
    return [procedure.calendar.otherwise]


def check_calendars(procedures: Procedures) -> list[tuple[str, Finding]]:
    """The problems with calendars of procedures and their policies, by shortId."""
    return [
        (procedure.short_id, finding)
        for procedure in procedures
        for finding in _bad_choice(procedure, procedures.calendars)
    ]


def unknown_calendar(path: KeyPath, name: str, calendars: Mapping[str, Calendar]) -> Finding:
    """The problem of a name that is not the name of a calendar."""
    names = ", ".join((ALWAYS, *calendars))
    return Finding(
        path,
        f"{shown(name)}, which is not a calendar",
        f"{names}, or one of a file in the folder `calendars` beside the procedures",
    )


def _bad_choice(procedure: Procedure, calendars: Mapping[str, Calendar]) -> list[Finding]:
    choice = procedure.calendar
    found = [
        unknown_calendar(("slas", position, "calendar"), sla.calendar, calendars)
        for position, sla in enumerate(procedure.slas)
        if sla.calendar is not None and sla.calendar not in (ALWAYS, *calendars)
    ]
    found += [
        Finding(
            ("slas", position, "target"),
            "weeks in a target on working time",
            "days (working days of the calendar) or hours; weeks only with the calendar `always`",
        )
        for position, sla in enumerate(procedure.slas)
        if any(duration.is_in_weeks for duration in sla.target.durations)
        and not _is_always(procedure, sla)
    ]
    if choice.otherwise not in (ALWAYS, *calendars):
        found.append(unknown_calendar(("calendar", "otherwise"), choice.otherwise, calendars))
    try:
        calendar_formula(procedure)
    except FormulaProblem as problem:
        path = ("calendar", "formula")
        circular = _read_too_late(procedure)
        if circular:
            allowed = "columns of `processes` and attributes: others may depend on the calendar"
            found.append(Finding(path, f"a formula that reads {', '.join(circular)}", allowed))
        else:
            found.append(Finding(path, problem.found, problem.allowed))
    return found


def _is_always(procedure: Procedure, sla: Sla) -> bool:
    """Whether every clock of the policy counts all hours."""
    if sla.calendar is not None:
        return sla.calendar == ALWAYS
    return procedure.calendar.formula is None and procedure.calendar.otherwise == ALWAYS


def _read_too_late(procedure: Procedure) -> list[str]:
    """Columns of the wide table that the formula reads although they depend on its result."""
    try:
        names = names_in(procedure.calendar.formula or "")
    except FormulaProblem:
        return []
    late = {*wide_table(procedure).column_names, "as_of"} - {*choosing_columns(procedure)}
    return sorted(late & {*names})
