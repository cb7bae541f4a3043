"""The values a procedure definition consists of: ids, labels, types, durations, time zones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from typing import Annotated, Any, cast
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from schemas.catalogue.tables import TABLES
from schemas.definitions.attribute_types import ATTRIBUTE_TYPES, BY_NAME
from schemas.nearest import did_you_mean
from schemas.privacy import LEVELS, PUBLISH, Privacy, Publish

Option = str | int | float

# The Python types an option may have, by the column type; a whole number will do for a float.
_OPTION_TYPES: Mapping[str, tuple[type, ...]] = {
    "VARCHAR": (str,),
    "BIGINT": (int,),
    "DOUBLE": (float, int),
}
ENUM_OPTION_TYPES: Mapping[str, tuple[type, ...]] = {
    kind.name: _OPTION_TYPES[kind.sql_type.removesuffix("[]")]
    for kind in BY_NAME.values()
    if kind.options
}

_TYPES_PAGE = "schemas/docs/attribute_types.md"
# What other systems call our types.
_TYPES_ELSEWHERE: Mapping[str, str] = {
    "int": "integer",
    "int64": "integer",
    "long": "integer",
    "bigint": "integer",
    "bool": "boolean",
    "flag": "boolean",
    "str": "string",
    "char": "string",
    "varchar": "string",
    "double": "float",
    "real": "float",
    "numeric": "decimal",
    "money": "decimal",
    "currency": "decimal",
    "timestamp": "datetime",
    "timestamptz": "datetime",
    "instant": "datetime",
    "day": "date",
    "enum": "stringEnum",
    "picklist": "stringEnum",
    "select": "stringEnum",
    "multiselect": "multiStringEnum",
    "list": "multiStringEnum",
    "array": "multiStringEnum",
    "object": "json",
    "uuid": "stringId",
    "id": "stringId",
    "link": "url",
    "mail": "email",
    "telephone": "phone",
}

ID_PLACE, KEY_PLACE = "{id}", "{primaryKey}"
"""What stands in a link for the id of a process, and for its primary key."""
LINK_PLACE = re.compile(r"(\{[^{}]*\})")
"""Splits a link into such places and what stands between them."""
_LINK = re.compile(r"https?://[^\s{}]+(\{(id|primaryKey)\}[^\s{}]*)+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A procedure has a table `<shortId>_processes`, and tables with history are `history_<name>`.
_STORED = "history"
_TAKEN_NAMES = frozenset(
    name.removesuffix("_processes") for name in TABLES if name.endswith("_processes")
) | {_STORED}
_DAY = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}")
_SCRIPT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.py:[A-Za-z_][A-Za-z0-9_]*")
_DURATION = re.compile(r"([1-9][0-9]{0,7})([smhdw])")
DURATION_SCHEMA: dict[str, Any] = {"type": "string", "pattern": f"^{_DURATION.pattern}$"}
_DURATION_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
MAX_DURATION = timedelta(days=100 * 366)
"""The longest duration; an instant plus such a duration is an instant that tables can hold."""
_PERCENT = range(1, 100)
_BIGINT = range(-(2**63), 2**63)


def not_allowed(allowed: str) -> PydanticCustomError:
    """The error of a value that breaks a rule of this module; its text says what is allowed."""
    return PydanticCustomError("not_allowed", "{allowed}", {"allowed": allowed})


def _uuid(value: str) -> str:
    if not _UUID.fullmatch(value):
        raise not_allowed("a uuid such as 3024e1d6-7926-5cec-b4b7-0b0ec05ea0e7")
    return value.lower()


def _formula(value: str) -> str:
    if not value.strip():
        raise not_allowed("a formula, such as score * 10")
    return value.strip()


def _percent(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value in _PERCENT:
        return value  # as a definition in Python has it
    match = re.fullmatch(r"([1-9][0-9]?)%", value) if isinstance(value, str) else None
    if match is None:
        raise not_allowed("a whole per cent from 1% to 99%, such as 80%")
    return int(match[1])


def _link(value: str) -> str:
    if not _LINK.fullmatch(value):
        places = f"{ID_PLACE} or {KEY_PLACE}"
        raise not_allowed(f"an address with {places}, such as https://crm.example/leads/{ID_PLACE}")
    return value


def _privacy(value: object) -> object:
    if isinstance(value, bool):
        return "direct" if value else "no"
    if value not in LEVELS:
        raise not_allowed("one of no, indirect, direct")
    return value


def _publish(value: object) -> object:
    if value not in PUBLISH:
        raise not_allowed("one of clear, key, drop")
    return value


def _script_place(value: str) -> str:
    if not _SCRIPT.fullmatch(value):
        raise not_allowed("a Python file beside the definition and a function: scoring.py:grade")
    return value


def _label(value: str) -> str:
    if not value or value != value.strip():
        raise not_allowed("text that is not empty and has no leading or trailing spaces")
    return value


def _table_name(value: str) -> str:
    if not _TABLE_NAME.fullmatch(value):
        raise not_allowed("letters, digits and _, not starting with a digit: it names a table")
    name = value.lower()
    if name in _TAKEN_NAMES or name.startswith(f"{_STORED}_"):
        raise not_allowed(f"another name: leadtime has tables of its own that begin with {name}_")
    return value


def _attribute_type(value: str) -> str:
    if value not in ATTRIBUTE_TYPES:
        near = did_you_mean(value, ATTRIBUTE_TYPES, _TYPES_ELSEWHERE)
        listed = f"one of {', '.join(ATTRIBUTE_TYPES)}"
        raise not_allowed(f"{near} ({_TYPES_PAGE} lists all)" if near else listed)
    return value


@cache
def _time_zones() -> frozenset[str]:
    # `localtime` and `Factory` mean another zone on every machine, or none.
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _time_zone(value: str) -> str:
    if value not in _time_zones():
        raise not_allowed("an IANA time zone such as Europe/Berlin or UTC")
    return value


def _option(value: object) -> Option:
    is_scalar = isinstance(value, str | int | float) and not isinstance(value, bool)
    if not is_scalar or (isinstance(value, int) and value not in _BIGINT):
        raise not_allowed("text (in quotes where it looks like something else) or a number")
    return cast("Option", value)


def _day(value: object) -> date:
    # A datetime is a date too.
    if type(value) is date:
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise not_allowed("a date such as 2026-03-31")


def duration_parts(value: object) -> tuple[int, str]:
    """The number and the unit of a written duration: a whole number above 0 and one unit, at most
    `MAX_DURATION`.
    """
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise not_allowed("a whole number and one of s, m, h, d, w, such as 90s, 30m, 12h, 7d, 2w")
    number, unit = int(match[1]), match[2]
    if timedelta(**{_DURATION_UNITS[unit]: number}) > MAX_DURATION:
        raise not_allowed(f"at most 100 years ({MAX_DURATION.days}d)")
    return number, unit


def duration_of(value: object) -> timedelta:
    """A written duration, as in `duration_parts`."""
    if isinstance(value, timedelta) and timedelta(0) < value <= MAX_DURATION:
        return value
    number, unit = duration_parts(value)
    return timedelta(**{_DURATION_UNITS[unit]: number})


def _milliseconds(value: timedelta) -> int:
    return value // timedelta(milliseconds=1)


# The constraints for editors (json_schema.py) repeat the checks: a validator cannot be inspected.
Uuid = Annotated[
    str,
    AfterValidator(_uuid),
    WithJsonSchema({"type": "string", "pattern": f"^{_UUID.pattern.replace('a-f', 'a-fA-F')}$"}),
]
_LABEL = r"^\S([\s\S]*\S)?$"
Label = Annotated[
    str, AfterValidator(_label), WithJsonSchema({"type": "string", "pattern": _LABEL})
]
Day = Annotated[
    date,
    BeforeValidator(_day),
    WithJsonSchema({"type": "string", "pattern": f"^{_DAY.pattern}$"}),
]
LabelOrNothing = Annotated[Label, WithJsonSchema({"type": ["string", "null"], "pattern": _LABEL})]
TableName = Annotated[
    str,
    AfterValidator(_table_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_TABLE_NAME.pattern}$"}),
]
AttributeTypeName = Annotated[
    str,
    AfterValidator(_attribute_type),
    WithJsonSchema({"type": "string", "enum": list(ATTRIBUTE_TYPES)}),
]
# Names depend on the machine's tables of time zones, so the schema only shows what they look like.
TimeZone = Annotated[
    str,
    AfterValidator(_time_zone),
    WithJsonSchema({"type": "string", "examples": ["UTC", "Europe/Berlin", "America/New_York"]}),
]
Duration = Annotated[
    timedelta,
    BeforeValidator(duration_of),
    PlainSerializer(_milliseconds, when_used="json"),
    WithJsonSchema(DURATION_SCHEMA),
]
_STATE: dict[str, Any] = {"type": "string", "description": "The shortId or id of a state."}
_STATES: dict[str, Any] = {"type": "array", "items": _STATE, "uniqueItems": True}
StateReference = Annotated[str, WithJsonSchema(_STATE)]
StateReferences = Annotated[tuple[str, ...], WithJsonSchema(_STATES)]
SomeStateReferences = Annotated[tuple[str, ...], WithJsonSchema({**_STATES, "minItems": 1})]
AttributeReference = Annotated[
    str, WithJsonSchema({"type": "string", "description": "The shortId or id of an attribute."})
]
PlainOption = Annotated[
    Any, BeforeValidator(_option), WithJsonSchema({"type": ["string", "number"]})
]
DeclaredPublish = Annotated[
    Publish, BeforeValidator(_publish), WithJsonSchema({"enum": [*PUBLISH]})
]
DeclaredPrivacy = Annotated[
    Privacy,
    BeforeValidator(_privacy),
    WithJsonSchema({"enum": [*LEVELS, True, False]}),
]
Percent = Annotated[
    int,
    BeforeValidator(_percent),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]?%$"}),
]
LinkTemplate = Annotated[
    str,
    AfterValidator(_link),
    WithJsonSchema({"type": "string", "pattern": f"^{_LINK.pattern}$"}),
]
FormulaText = Annotated[str, AfterValidator(_formula)]
ScriptPlace = Annotated[
    str,
    AfterValidator(_script_place),
    WithJsonSchema({"type": "string", "pattern": f"^{_SCRIPT.pattern}$"}),
]
