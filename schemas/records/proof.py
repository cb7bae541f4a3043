"""Proves that the rules of the record find what they are for, before any record is validated."""

from __future__ import annotations

from functools import cache

import polars as pl

from schemas.records.limits import raw
from schemas.records.record import FIELDS, convert, core_rules, core_schema
from schemas.records.rule import RuleError, find_failures

_ID, _UNKNOWN = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
_GOOD = {
    "uuid": _ID,
    "time": "1750000000000",
    "status": "OPEN",
    "state": _ID,
    "boolean": "false",
    "object": "{}",
}


@cache
def prove_rules_once() -> None:
    """As `prove_rules`, once a process: neither the rules nor what validates change in it."""
    prove_rules()


def prove_rules() -> None:
    """Validate a good record and some bad ones.

    Raises `RuleError` when a rule that rejects records misses its fault or rejects the good record.
    """
    kinds = {raw(field.column): field.kind for field in FIELDS}
    good: dict[str, str | None] = {column: _GOOD[kind] for column, kind in kinds.items()}
    bad = [
        dict.fromkeys(kinds, None),
        dict.fromkeys(kinds, "wrong"),
        good | {raw("procedure_id"): _UNKNOWN},
        good | {raw("state_key"): _UNKNOWN},
        good | dict.fromkeys((raw("created_at"), raw("updated_at")), "1"),
    ]
    rows = pl.DataFrame([good, *bad], schema=dict.fromkeys(kinds, pl.String))
    states = pl.DataFrame({"procedure_id": _ID, "state_key": _ID, "state_id": _ID})
    rules = core_rules(latest_ms=int(_GOOD["time"]))
    found = find_failures(convert(rows, states), core_schema(rules), rules)
    rejecting = {rule.id for rule in rules if rule.severity == "reject"}
    missed = rejecting.difference(found["rule"])
    wrong = rejecting.intersection(found.filter(pl.col("row") == 0)["rule"])
    if missed or wrong:
        raise RuleError(
            "the rules of the record do not work: "
            f"missed {sorted(missed)}, wrongly found {sorted(wrong)}"
        )
