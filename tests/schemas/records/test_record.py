"""The process record: what each field converts to, and which rule each bad value breaks."""

from typing import Any

import polars as pl
import pytest

from schemas.records.between_fields import between_fields, by_procedure
from schemas.records.limits import raw
from schemas.records.record import FIELDS, convert, core_rules, core_schema
from schemas.records.rule import find_failures

ID = "00000000-0000-4000-8000-00000000000a"
PROCEDURE = "00000000-0000-4000-8000-0000000000b0"
NEW, DONE = "00000000-0000-4000-8000-0000000000c1", "00000000-0000-4000-8000-0000000000c2"
NOW = 1_780_000_000_000
LATEST = NOW + 86_400_000
STATES = pl.DataFrame(
    [
        (PROCEDURE, key, state)
        for state, word in ((NEW, "new"), (DONE, "done"))
        for key in (state, word)
    ],
    schema=["procedure_id", "state_key", "state_id"],
    orient="row",
)
GOOD: dict[str, str | None] = {
    "id": ID,
    "team": ID,
    "procedure": PROCEDURE,
    "status": "OPEN",
    "state": "NEW",
    "createdAt": str(NOW),
    "updatedAt": str(NOW),
    "data": "{}",
}
RULES = core_rules(LATEST)
SCHEMA = core_schema(RULES)


def frame(*records: dict[str, str | None]) -> pl.DataFrame:
    rows = [{raw(f.column): record.get(f.name) for f in FIELDS} for record in records]
    texts = pl.DataFrame(rows, schema={raw(f.column): pl.String for f in FIELDS})
    return convert(texts, STATES)


def broken(*records: dict[str, str | None]) -> list[list[str]]:
    """The rules each record breaks."""
    found = find_failures(frame(*records), SCHEMA, RULES)
    return [found.filter(pl.col("row") == row)["rule"].to_list() for row in range(len(records))]


# Field, value as it arrives, what it becomes.
CONVERTED: list[tuple[str, str | None, Any]] = [
    ("id", ID.upper(), ID),
    ("state", "nEw", "new"),
    ("state", NEW.upper(), NEW),
    ("createdAt", "1700000000000.0", 1_700_000_000_000),
    ("completedAt", "0", None),
    ("completedAt", "0.0", None),
    ("completedAt", None, None),
    ("assignedTo", "", None),
    ("isDeleted", None, False),
    ("isDeleted", "true", True),
    ("data", None, "{}"),
    ("data", '{"a":1}', '{"a":1}'),
    ("derivedData", None, "{}"),
]


@pytest.mark.parametrize(("name", "text", "value"), CONVERTED)
def test_what_converts(name: str, text: str | None, value: object) -> None:
    record = GOOD | {name: text}
    column = next(f.column for f in FIELDS if f.name == name)
    assert frame(record)[column].to_list() == [value]
    assert broken(record) == [[]]


# Field, values as they arrive, the rule they break.
BROKEN: list[tuple[str, list[str | None], str]] = [
    *((f.name, [None], f"core:{f.column}:required") for f in FIELDS if f.required),
    *(
        (f.name, ["x", ID[:-1], f"{ID}0", f"{{{ID}}}", f"{ID}\n"], f"core:{f.column}:uuid")
        for f in FIELDS
        if f.kind == "uuid"
    ),
    ("id", ["", "null"], "core:process_id:uuid"),
    ("createdBy", ["null"], "core:created_by:uuid"),
    ("procedure", [ID], "core:procedure_id:isin"),
    ("status", ["open", "DONE", ""], "core:status:isin"),
    ("state", ["OLD", ID, ""], "core:state_key:isin"),
    *(
        (
            f.name,
            ['"1700000000000"', "true", "1700000000000.5", "1e400", "NaN", "[]"],
            f"core:{f.column}:type",
        )
        for f in FIELDS
        if f.kind == "time"
    ),
    *(
        (f.name, ["1", "-1700000000000", "946684799999", "4102444800001"], f"core:{f.column}:range")
        for f in FIELDS
        if f.kind == "time"
    ),
    ("createdAt", ["0", "-0", str(LATEST + 1)], "core:created_at:range"),
    ("updatedAt", [str(LATEST + 1)], "core:updated_at:range"),
    ("completedAt", [str(LATEST + 1)], "core:completed_at:range"),
    ("isDeleted", ['"true"', "1", "{}"], "core:is_deleted:type"),
    ("data", ["[]", '"{}"', "1"], "core:data:type"),
    ("derivedData", ["[]", '"{}"', "1"], "core:derived_data:type"),
]


@pytest.mark.parametrize(("name", "values", "rule"), BROKEN, ids=lambda v: str(v)[:40])
def test_what_breaks_a_rule(name: str, values: list[str | None], rule: str) -> None:
    found = broken(*(GOOD | {name: value} for value in values))
    # Rules between fields have tests of their own.
    others = {other.id for other in between_fields()} - {rule}
    assert [set(rules) - others for rules in found] == [{rule}] * len(values)


def test_edges_of_time() -> None:
    assert broken(
        GOOD | {"createdAt": "946684800000", "updatedAt": str(LATEST)},
        GOOD | {"nextActionAt": "4102444800000"},
    ) == [[], []]


def test_an_unknown_procedure_is_one_problem_and_not_two() -> None:
    assert broken(GOOD | {"procedure": ID, "state": "?"}) == [["core:procedure_id:isin"]]


def test_severities() -> None:
    """Required fields reject, optional ones are nulled, and nothing else rejects but these."""
    required = {f.column for f in FIELDS if f.required}
    flags = {rule.id for rule in (*between_fields(), *by_procedure())}
    for rule in RULES:
        column = rule.id.split(":")[1]
        if rule.severity == "flag":
            assert rule.id in flags or rule.id.endswith(":text")
        else:
            rejects = column in required | {"data", "is_deleted"}
            assert rule.severity == ("reject" if rejects else "null"), rule.id
