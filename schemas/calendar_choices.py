"""Which calendar counts for which process: the choices of procedures, checked and compiled.

Reading calendars does not belong here (calendar_files.py).
"""

from __future__ import annotations

from collections.abc import Mapping

from schemas.attribute_types import BY_NAME
from schemas.catalogue import wide_table
from schemas.catalogue_processes import PROCESSES
from schemas.definition_problems import Finding, KeyPath, shown
from schemas.definitions import Procedure, Procedures
from schemas.formulas import Formula, FormulaProblem, compile_formula, names_in
from schemas.working_calendars import ALWAYS, Calendar

_TEXT = "VARCHAR"


def choosing_columns(procedure: Procedure) -> dict[str, str]:
    """The columns a formula that chooses a calendar may read: name -> DuckDB type.

    They are those of `processes` and the attributes: what follows from time spent, such as derived
    attributes may, follows from the calendar.
    """
    columns = {column.name: column.type for column in PROCESSES.columns}
    for attribute in procedure.attributes:
        columns |= BY_NAME[attribute.type].columns(attribute.column)
    return columns


def calendar_formula(procedure: Procedure) -> Formula | None:
    """The formula that gives the calendar of each process, if there is one.

    Raises FormulaProblem.
    """
    text = procedure.calendar.formula
    return compile_formula(text, choosing_columns(procedure), expects=_TEXT) if text else None


def calendars_of(procedure: Procedure, calendars: Mapping[str, Calendar]) -> list[str]:
    """The calendars that processes of a procedure may have, in order; by a formula it is any."""
    if procedure.calendar.formula:
        return [ALWAYS, *calendars]
    return [procedure.calendar.otherwise]


def check_calendars(procedures: Procedures) -> list[tuple[str, Finding]]:
    """What is wrong with the choices, by the procedure's shortId."""
    return [
        (procedure.short_id, finding)
        for procedure in procedures
        for finding in _bad_choice(procedure, procedures.calendars)
    ]


def unknown_calendar(path: KeyPath, name: str, calendars: Mapping[str, Calendar]) -> Finding:
    """A name that no calendar has."""
    names = ", ".join((ALWAYS, *calendars))
    return Finding(
        path,
        f"{shown(name)}, which is no calendar",
        f"{names}, or one of a file in the folder `calendars` beside the procedures",
    )


def _bad_choice(procedure: Procedure, calendars: Mapping[str, Calendar]) -> list[Finding]:
    choice = procedure.calendar
    found = [
        unknown_calendar(("slas", position, "calendar"), sla.calendar, calendars)
        for position, sla in enumerate(procedure.slas)
        if sla.calendar is not None and sla.calendar not in (ALWAYS, *calendars)
    ]
    if choice.otherwise not in (ALWAYS, *calendars):
        found.append(unknown_calendar(("calendar", "otherwise"), choice.otherwise, calendars))
    try:
        calendar_formula(procedure)
    except FormulaProblem as problem:
        path = ("calendar", "formula")
        circular = _read_too_late(procedure)
        if circular:
            allowed = "columns of `processes` and attributes: the others may follow from a calendar"
            found.append(Finding(path, f"a formula that reads {', '.join(circular)}", allowed))
        else:
            found.append(Finding(path, problem.found, problem.allowed))
    return found


def _read_too_late(procedure: Procedure) -> list[str]:
    """Columns of the wide table that a formula reads, and that are known only after it."""
    try:
        names = names_in(procedure.calendar.formula or "")
    except FormulaProblem:
        return []
    late = {*wide_table(procedure).column_names, "as_of"} - {*choosing_columns(procedure)}
    return sorted(late & {*names})
