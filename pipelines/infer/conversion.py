"""Writes a DuckDB statement that converts a file of another shape into process records.

Comments are short lines of their own, so that no terminal wraps them.
"""

import textwrap
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipelines.infer.foreign import Column, Foreign
from pipelines.infer.roles import Roles, find_roles
from schemas.records.record import FIELDS
from schemas.sql_text import literal, quoted

_INDENT = "    "
_WIDTH = 72
# Words for unsuccessful ends come first: `Closed lost` is cancelled.
_CANCELLED = (
    "lost", "cancelled", "canceled", "rejected", "declined", "withdrawn", "abandoned", "dropped",
    "disqualified", "unqualified", "dead", "junk", "spam", "duplicate",
)  # fmt: skip
_COMPLETED = (
    "won", "closed", "close", "completed", "complete", "done", "resolved", "solved", "finished",
    "converted",
)  # fmt: skip
_OWN_LINES = ("id", "team", "procedure", "status", "state", "createdAt", "updatedAt")


class _Member(NamedTuple):
    """A member of the record: its SQL, its name, and a note about the guess."""

    sql: str
    name: str
    note: str = ""


def target_of(foreign: Foreign) -> str:
    """The file that the statement writes, in the folder to give to a run."""
    return f"{_folder(foreign)}/{foreign.stem}.ndjson"


def _folder(foreign: Foreign) -> str:
    """Not the folder of the file itself: a run would ingest both."""
    return "exports" if foreign.path.resolve().parent.name != "exports" else "converted"


def write_conversion(foreign: Foreign) -> str:
    """SQL that reads the file and writes a landing file.

    Until every required field is filled in, it fails and names the field.
    """
    return "\n".join(_statement(foreign, find_roles(foreign))) + "\n"


def _statement(foreign: Foreign, roles: Roles) -> Iterator[str]:
    yield "-- Guessed from names and values: check and correct it."
    yield "-- The time zone of times without an offset:"
    yield "set timezone = 'UTC';"
    yield "copy ("
    yield f"{_INDENT}with lines as ("
    yield f"{_INDENT * 2}select *, {_status(roles)} as status_guessed"
    yield f"{_INDENT * 2}from {foreign.relation}"
    yield f"{_INDENT})"
    yield f"{_INDENT}select"
    members = [*_required(foreign, roles), *_optional(roles), _data(foreign, roles)]
    for number, member in enumerate(members, start=1):
        if member.note:
            yield f"{_INDENT * 2}-- {member.note}"
        comma = "," if number < len(members) else ""
        yield f"{_INDENT * 2}{member.sql} as {quoted(member.name)}{comma}"
    yield f"{_INDENT}from lines"
    yield f") to {literal(target_of(foreign))} (format json);"
    owner = roles.fields.get("assignedTo")
    if owner and not owner.is_mostly("uuid"):
        yield "-- The names of the assignees, whose ids are made of them:"
        yield "copy ("
        yield f"{_INDENT}select distinct {_uuid(owner)} as id, {owner.text} as name"
        yield f"{_INDENT}from {foreign.relation}"
        yield f"{_INDENT}where ({owner.text}) is not null"
        users = f"{_folder(foreign)}/users.ndjson"
        yield f") to {literal(users)} (format json);"


def _required(foreign: Foreign, roles: Roles) -> Iterator[_Member]:
    found = roles.fields
    if id_ := found.get("id"):
        yield _Member(_uuid(id_), "id", "" if id_.is_mostly("uuid") else "a uuid made of the key")
    else:
        yield _missing("id", "varchar", "the key that tells one process from another")
    for name, constant, note in (
        ("team", "team", "no key for a team: all are of one"),
        ("procedure", foreign.stem, "all are of one procedure, called after the file"),
    ):
        column = found.get(name)
        made = f"md5({literal(constant)})::uuid"
        yield _Member(_uuid(column), name) if column else _Member(made, name, note)
    has_status = {"status"} & found.keys() or roles.outcome or roles.closed
    note = "" if has_status else "no key says what is closed: all are open"
    yield _Member("status_guessed", "status", note)
    if state := found.get("state"):
        yield _Member(_state(state, foreign), "state")
    else:
        yield _missing("state", "varchar", "where in its course a process stands")
    yield from _times(foreign, roles)


def _times(foreign: Foreign, roles: Roles) -> Iterator[_Member]:
    created, updated = roles.fields.get("createdAt"), roles.fields.get("updatedAt")
    first = _time(created) if created else None
    last = _time(updated) if updated else None
    if first is None and last is None:
        yield _missing("createdAt", "bigint", "when a process began, in epoch milliseconds")
        yield _missing("updatedAt", "bigint", "when it changed last, in epoch milliseconds")
        return
    note = "" if first else "no key says when it began"
    is_whole = created is not None and _is_whole(created, foreign)
    yield _Member(_either(first, last, is_whole=is_whole), "createdAt", note)
    closed = _time(roles.closed) if roles.closed else None
    if last is None:
        note = "no key says when it changed last"
        last_known = f"greatest({first}, {closed})" if closed else str(first)
        yield _Member(last_known, "updatedAt", note)
        return
    is_whole = updated is not None and _is_whole(updated, foreign)
    yield _Member(_either(last, first, is_whole=is_whole), "updatedAt")


def _optional(roles: Roles) -> Iterator[_Member]:
    if roles.closed:
        for status, name in (("COMPLETED", "completedAt"), ("CANCELLED", "cancelledAt")):
            if name not in roles.fields:
                then = _time(roles.closed)
                case = f"case when status_guessed = '{status}'\n{_INDENT * 3}then {then} end"
                yield _Member(case, name)
    for known in FIELDS:
        column = roles.fields.get(known.name)
        if column is None or known.name in _OWN_LINES or known.kind == "object":
            continue
        match known.kind:
            case "time":
                yield _Member(_time(column), known.name)
            case "boolean":
                yield _Member(f"coalesce(try_cast({column.text} as boolean), false)", known.name)
            case _:
                yield _Member(_uuid(column), known.name)


def _data(foreign: Foreign, roles: Roles) -> _Member:
    """Everything else, and the original id."""
    rest = [*roles.rest]
    id_ = roles.fields.get("id")
    if id_ and not id_.is_mostly("uuid"):
        rest.insert(0, id_)
    pairs = f",\n{_INDENT * 3}".join(f"{literal(c.name)}, {_value(c, foreign)}" for c in rest)
    made = f"json_object(\n{_INDENT * 3}{pairs}\n{_INDENT * 2})" if rest else "'{}'::json"
    given = roles.fields.get("data")
    if given is None:
        return _Member(made, "data", "everything else: the attributes")
    document = f"try_cast({given.text} as json)"
    return _Member(f"json_merge_patch({document}, {made})" if rest else document, "data")


def _status(roles: Roles) -> str:
    if status_column := roles.fields.get("status"):
        return f"upper(trim({status_column.text}))"
    cases = [
        f"when list_has_any(\n"
        f"{_INDENT}string_split_regex(lower({column.text}), '[^a-z]+'),\n"
        f"{_INDENT}{_listed(words)}\n"
        f") then '{status}'"
        for column in (roles.outcome,)
        if column
        for words, status in ((_CANCELLED, "CANCELLED"), (_COMPLETED, "COMPLETED"))
    ]
    if roles.closed:
        cases.append(f"when {_time(roles.closed)} is not null\n{_INDENT}then 'COMPLETED'")
    if not cases:
        return "'OPEN'"
    lines = "\n".join(("case", *(textwrap.indent(c, _INDENT) for c in cases), "    else 'OPEN'"))
    return textwrap.indent(f"{lines}\nend", _INDENT * 2).lstrip()


def _listed(words: Sequence[str]) -> str:
    text = f"[{', '.join(map(literal, words))}]"
    return f"\n{_INDENT}".join(textwrap.wrap(text, _WIDTH))


def _uuid(column: Column) -> str:
    if column.is_mostly("uuid"):
        return column.text
    return f"md5({column.text})::uuid"


def _state(column: Column, foreign: Foreign) -> str:
    trimmed = f"nullif(trim({column.text}), '')"
    is_whole = column.values == foreign.rows
    return trimmed if is_whole else f"coalesce({trimmed}, 'UNKNOWN')"


def _time(column: Column) -> str:
    """Epoch milliseconds; null if the value is not a time."""
    match column.time_form:
        case None | "iso":
            return f"epoch_ms(try_cast({column.text} as timestamptz))"
        case "milliseconds":
            return f"try_cast({column.text} as bigint)"
        case "seconds":
            return f"(try_cast({column.text} as double) * 1000)::bigint"
        case form:
            return f"epoch_ms(try_strptime({column.text}, {literal(form)})::timestamptz)"


def _is_whole(column: Column, foreign: Foreign) -> bool:
    form = column.time_form
    return form is not None and column.is_all(form) and column.values == foreign.rows


def _either(wanted: str | None, other: str | None, *, is_whole: bool) -> str:
    if wanted is None or other is None or is_whole:
        return str(wanted or other)
    return f"coalesce({wanted}, {other})"


def _value(column: Column, foreign: Foreign) -> str:
    """A value for `data`: columns of text that are all numbers or booleans are converted."""
    if foreign.is_text:
        for form, kind in (("integer", "bigint"), ("decimal", "double"), ("boolean", "boolean")):
            if column.is_all(form):
                return f"try_cast({quoted(column.name)} as {kind})"
    return quoted(column.name)


def _missing(name: str, kind: str, what: str) -> _Member:
    return _Member(f"error('fill in: {name}')::{kind}", name, f"FILL IN: {what}")
