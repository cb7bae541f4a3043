"""For each attribute type of one plain value: JSON, what it becomes, and the rules it breaks.

A row is (JSON text, value, rules...). `OPTIONS` are what the enums list; the states are NEW (id
`STATE`) and DONE. Lists, ids and
objects are in `structured_rows.py`; how the rows are tried is in `test_attribute_types.py`.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

STATE = "5d0a1b7c-2f1e-4c55-8d0b-0a9a4b6f3c21"
UUID = "0c9c5f6e-9f63-4a2b-8a35-6a0f5d3f2b11"
OPTIONS: dict[str, tuple[Any, ...]] = {
    "stringEnum": ("gold", "1"),
    "integerEnum": (1, 7),
    "floatEnum": (1.0, 2.5),
    "multiStringEnum": ("a", "b"),
    "multiIntegerEnum": (1, 7),
    "multiFloatEnum": (1.0, 2.5),
}
# What every type is tried with. The label of an option is "Gold" here, its value `gold`.
ALWAYS = ('"146"', '"true"', "true", "1", "0", '{"city":1}', '["a"]', "[]", '"Gold"', '""', "null")
TIME_ZONE = "Europe/Berlin"

Row = tuple[Any, ...]
MISSING: list[Row] = [('""', None), ("null", None)]


def bad(*texts: str, rule: str = "type") -> list[Row]:
    return [(text, None, rule) for text in texts]


NO_VALUE = bad('{"city":1}', '["a"]', "[]")
OTHERS = [*MISSING, *NO_VALUE]

_TEXT: list[Row] = [
    ('"146"', "146"),
    ('"true"', "true"),
    ("true", "true"),
    ("1", "1"),
    ("0", "0"),
    ('"Gold"', "Gold"),
    ('" "', " "),
    ('"\\"a\\" \\u00e9\\n"', '"a" é\n'),
    *OTHERS,
]
_CHOICE: list[Row] = [
    ('"gold"', "gold"),
    ("1", "1"),
    *bad('"146"', '"true"', "true", "0", '"Gold"', '"gold "', rule="isin"),
    *bad('["gold"]'),
    *OTHERS,
]
_EMAIL: list[Row] = [
    ('"A+b@c.de"', "A+b@c.de"),
    *bad('"146"', '"true"', "true", "1", "0", '"Gold"', '"a@b"', '"a b@c.de"', '["a@b.de"]'),
    *OTHERS,
]
_PHONE: list[Row] = [
    ('"+49 (30) 123-45"', "+49 (30) 123-45"),
    ("4930123", "4930123"),
    *bad('"146"', '"true"', "true", "1", "0", '"Gold"', '"49x30123"', '["4930123"]'),
    *OTHERS,
]
_URL: list[Row] = [
    ('"https://a.de/b?c#d"', "https://a.de/b?c#d"),
    ('"a.de"', "a.de"),
    *bad('"146"', '"true"', "true", "1", "0", '"Gold"', '"a b.de"', '["a.de"]'),
    *OTHERS,
]
_INTEGER: list[Row] = [
    ("146", 146),
    ('"146"', 146, "as_text"),
    ("1", 1),
    ("0", 0),
    ("-7.0", -7),
    ("9223372036854775807", 2**63 - 1),
    *bad('"true"', "true", '"Gold"', "1.5", '"1,5"', '" 1"', "9223372036854775808", "[1]"),
    *OTHERS,
]
_DOUBLE: list[Row] = [
    ("146", 146.0),
    ('"146"', 146.0, "as_text"),
    ("1", 1.0),
    ("0", 0.0),
    ("-2.5e-3", -0.0025),
    *bad('"true"', "true", '"Gold"', '"1,5"', '"NaN"', "1e400", "[1]"),
    *OTHERS,
]
_DECIMAL: list[Row] = [
    ("146.10", Decimal("146.1")),
    ('"146"', Decimal(146), "as_text"),
    ("1", Decimal(1)),
    ("0", Decimal(0)),
    ('"12345678901234567890.123456789"', Decimal("12345678901234567890.123456789"), "as_text"),
    *bad('"true"', "true", '"Gold"', '"1.234,5"', "1e30", "[1]"),
    *OTHERS,
]
_MONTH: list[Row] = [
    ("1", 1),
    ("12", 12),
    ("3.0", 3),
    ('"03"', 3, "as_text"),
    ('"March"', 3),
    ('"mar"', 3),
    ('"MAY"', 5),
    ('"december"', 12),
    *(
        (f'"{name}"', number)
        for number, name in enumerate(
            ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), 1
        )
    ),
    *bad('"146"', '"true"', "true", "0", "13", "1.5", "-1", '"Gold"', '"Marchs"', '"Mai"', "[3]"),
    *OTHERS,
]
_BOOLEAN: list[Row] = [
    ("true", True),
    ("false", False),
    ('"true"', True, "as_text"),
    ('"FALSE"', False, "as_text"),
    *bad('"146"', "1", "0", '"yes"', '"Gold"', "[true]"),
    *OTHERS,
]
_BOOLEAN_TEXT: list[Row] = [
    *((text, True) for text in ('"yes"', '"Y"', '"true"', '"1"', "1", "true")),
    *((text, False) for text in ('"No"', '"n"', '"FALSE"', '"0"', "0", "false")),
    *bad('"146"', '"Gold"', "2", '"yes "', '["yes"]'),
    *OTHERS,
]
_INTEGER_CHOICE: list[Row] = [
    ("7", 7),
    ('"7"', 7, "as_text"),
    ("1", 1),
    ("0", None, "isin"),
    ("146", None, "isin"),
    ('"146"', None, "as_text", "isin"),
    *bad('"true"', "true", '"Gold"', "1.5", "[1]"),
    *OTHERS,
]
_DOUBLE_CHOICE: list[Row] = [
    ("2.5", 2.5),
    ('"2.5"', 2.5, "as_text"),
    ("1", 1.0),
    ("0", None, "isin"),
    ('"146"', None, "as_text", "isin"),
    *bad('"true"', "true", '"Gold"', "[1]"),
    *OTHERS,
]
_DATE: list[Row] = [
    ('"2026-02-28"', date(2026, 2, 28)),
    # Days since 1970-01-01.
    ("1", date(1970, 1, 2)),
    ("-1", date(1969, 12, 31)),
    ("20512", date(2026, 2, 28)),
    ("99999", date(2243, 10, 16)),
    # Epoch milliseconds: 22:30 UTC is the next day in Berlin, in winter only from 23:00.
    ("1782858600000", date(2026, 7, 1)),
    ("1767220200000", date(2025, 12, 31)),
    ("1767223800000", date(2026, 1, 1)),
    ("-631152000000", date(1950, 1, 1)),
    ("13046400000", date(1970, 6, 1)),
    # 0 is no time; 6 to 10 digits might be a day without dashes, or seconds.
    *bad("0", "100000", "20260228", "1782907200", "17829072000000", "1.5"),
    *bad('"146"', '"true"', "true", '"Gold"', '"2026-02-29"', '"28.02.2026"', '["2026-02-28"]'),
    *OTHERS,
]
_TIME: list[Row] = [
    ('"09:30"', time(9, 30)),
    ('"23:59:59.5"', time(23, 59, 59, 500_000)),
    *bad('"146"', '"true"', "true", "1", "0", '"Gold"', '"24:00"', '"9:30"', '["09:30"]'),
    *bad('"24:00:00"', '"24:01"', '"23:60"'),
    *OTHERS,
]
_INSTANT: list[Row] = [
    ('"2026-07-01T12:00:00Z"', datetime(2026, 7, 1, 12)),
    ('"2026-07-01T12:00:00.123456+0200"', datetime(2026, 7, 1, 10, 0, 0, 123_000)),
    ('"2026-07-01 12:00:00+00"', datetime(2026, 7, 1, 12)),
    ('"2026-07-01T12:00-03"', datetime(2026, 7, 1, 15)),
    ('"2026-07-01 12:00"', datetime(2026, 7, 1, 10)),
    ('"2026-01-01T12:00"', datetime(2026, 1, 1, 11)),
    ("1782907200000", datetime(2026, 7, 1, 12)),
    *bad('"146"', '"true"', "true", "1", "0", '"Gold"', '"2026-07-01"', "1782907200"),
    *bad('"2026-13-01T00:00Z"', '"2026-07-01T12:00+24:00"', '["2026-07-01T12:00:00Z"]'),
    *OTHERS,
]
_STATE: list[Row] = [
    ('"NEW"', "NEW"),
    ('"done"', "DONE"),
    (f'"{STATE}"', "NEW"),
    (f'"{STATE.upper()}"', "NEW"),
    *bad('"146"', '"true"', "true", "1", "0", '"Gold"', f'"{UUID}"', rule="isin"),
    *bad('["NEW"]'),
    *OTHERS,
]
_STATUS: list[Row] = [
    ('"OPEN"', "OPEN"),
    ('"COMPLETED"', "COMPLETED"),
    ('"CANCELLED"', "CANCELLED"),
    *bad('"146"', '"true"', "true", "1", "0", '"Gold"', '"open"', '"DELETED"', rule="isin"),
    *bad('["OPEN"]'),
    *OTHERS,
]

PLAIN_ROWS: dict[str, list[Row]] = {
    **dict.fromkeys(("string", "text", "html", "stringId", "name", "username", "otp"), _TEXT),
    "email": _EMAIL,
    "phone": _PHONE,
    "url": _URL,
    **dict.fromkeys(("integer", "integerId"), _INTEGER),
    **dict.fromkeys(("number", "float"), _DOUBLE),
    "decimal": _DECIMAL,
    "monthOfYear": _MONTH,
    "boolean": _BOOLEAN,
    "booleanText": _BOOLEAN_TEXT,
    "stringEnum": _CHOICE,
    "integerEnum": _INTEGER_CHOICE,
    "floatEnum": _DOUBLE_CHOICE,
    "date": _DATE,
    "time": _TIME,
    **dict.fromkeys(("datetime", "datetimeISO8601"), _INSTANT),
    "state": _STATE,
    "status": _STATUS,
}
