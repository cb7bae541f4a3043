"""The pages made from the code: they are current, and say all there is."""

from __future__ import annotations

import json
import re

import polars as pl
import pytest

from pipelines.settings import PROCEDURES_FOLDER
from schemas.definitions.attribute_types import ATTRIBUTE_TYPES
from schemas.docs.pages import (
    FOLDER,
    PAGES,
    attribute_types_page,
    record_page,
    rules_page,
)
from schemas.load import load_procedures
from schemas.records.all_rules import all_rules
from schemas.records.limits import raw
from schemas.records.record import FIELDS, convert, core_rules, core_schema
from schemas.records.rule import find_failures


def rows(page: str) -> list[list[str]]:
    """The cells of the page's one table, without its head."""
    lines = [line for line in page.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_current(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), (
        "run `uv run python -m schemas.docs.pages`"
    )


def test_every_type_has_a_row() -> None:
    found = rows(attribute_types_page())
    assert [row[0] for row in found] == [f"`{name}`" for name in ATTRIBUTE_TYPES]
    assert all(row[1] and row[2] and len(row) == 7 for row in found)
    by_type = {row[0].strip("`"): row[3:] for row in found}
    assert by_type["geolocation"] == [
        "`<column>_lat` `DOUBLE`, `<column>_lng` `DOUBLE`",
        "`to_geolocation`",
        "`type`, `one_value`, `required`, `as_text`",
        "direct",
    ]
    assert by_type["integerEnum"] == [
        "`BIGINT`",
        "`to_integer`",
        "`type`, `one_value`, `required`, `as_text`, `isin`",
        "",
    ]


def test_every_key_of_the_record_has_a_row() -> None:
    found = {row[0].strip("`"): row[1:] for row in rows(record_page())}
    assert list(found) == [field.name for field in FIELDS]
    assert [name for name, row in found.items() if row[0] == "yes"] == [
        "id", "team", "procedure", "status", "state", "createdAt", "updatedAt",
    ]  # fmt: skip
    assert found["status"][1] == "one of OPEN, COMPLETED, CANCELLED"
    assert found["completedAt"][1:] == [
        "epoch milliseconds, or null (0 is null)",
        "When it was completed.",
    ]


def test_the_example_line_is_a_record_that_breaks_no_rule() -> None:
    (line,) = [line for line in record_page().splitlines() if line.startswith("{")]
    example = json.loads(line)
    text = {"uuid", "status", "state"}
    values = {
        raw(field.column): [
            None
            if example.get(field.name) is None
            else str(example[field.name])
            if field.kind in text
            else json.dumps(example[field.name])
        ]
        for field in FIELDS
    }
    frame = pl.DataFrame(values, schema=dict.fromkeys(values, pl.String))
    states = pl.DataFrame(
        {"procedure_id": [example["procedure"]], "state_key": ["new"], "state_id": ["new"]}
    )
    rules = core_rules(latest_ms=example["updatedAt"] + 1)
    assert find_failures(convert(frame, states), core_schema(rules), rules).is_empty()


def test_every_rule_has_a_row() -> None:
    found = {row[0].strip("`"): row[1:] for row in rows(rules_page())}
    procedures = load_procedures(PROCEDURES_FOLDER)
    for rule, _ in all_rules(procedures):
        known = re.sub(r"^(attr|derived|record):[^*].*:", r"\1:<shortId>:", rule.id)
        assert found[known][0] == rule.severity, rule.id
    assert found["attr:<shortId>:isin"] == ["null", "`<shortId>` is one of its options."]
    assert found["attr:<shortId>:type"] == ["null", "`<shortId>` converts to its type."]
    assert found["core:status:isin"][0] == "reject"
