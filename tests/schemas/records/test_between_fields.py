"""The rules between fields: what breaks each, and that a sound version breaks none."""

from typing import Any

import polars as pl
import pytest

from schemas.records.between_fields import between_fields, by_procedure
from schemas.records.limits import raw
from schemas.records.record import FIELDS, STATES, convert, core_rules, core_schema
from schemas.records.rule import find_failures

ID, OTHER, PROCEDURE, NEW, SHUT, DONE = (
    f"00000000-0000-4000-8000-00000000000{n}" for n in range(6)
)
CREATED, NOW = 1_780_000_000_000, 1_780_000_600_000
STATE_ROWS = pl.DataFrame(
    [
        (PROCEDURE, "new", NEW, False, False, ID),
        (PROCEDURE, "shut", SHUT, False, True, ID),
        (PROCEDURE, "done", DONE, True, True, ID),
    ],
    schema=STATES,
    orient="row",
)
GOOD: dict[str, Any] = {
    "id": ID,
    "team": ID,
    "procedure": PROCEDURE,
    "status": "OPEN",
    "state": "NEW",
    "createdAt": CREATED,
    "updatedAt": NOW,
    "data": "{}",
}
COMPLETED = GOOD | {"status": "COMPLETED", "state": "DONE", "completedAt": NOW}
CANCELLED = GOOD | {"status": "CANCELLED", "state": "SHUT", "cancelledAt": NOW}
ASSIGNED = GOOD | {"assignedTo": ID, "firstAssignedTo": ID, "firstAssignedAt": CREATED}
RULES = core_rules(NOW)

BROKEN: list[tuple[dict[str, Any], list[str]]] = [
    (GOOD | {"updatedAt": CREATED - 1}, ["updated_at:order"]),
    (COMPLETED | {"completedAt": None}, ["completed_at:missing"]),
    (COMPLETED | {"completedAt": 0}, ["completed_at:missing"]),
    (CANCELLED | {"cancelledAt": None}, ["cancelled_at:missing"]),
    (GOOD | {"completedAt": NOW}, ["completed_at:open"]),
    (GOOD | {"cancelledAt": NOW}, ["cancelled_at:open"]),
    (CANCELLED | {"completedAt": NOW}, ["completed_at:cancelled"]),
    (COMPLETED | {"cancelledAt": NOW}, ["cancelled_at:completed"]),
    (COMPLETED | {"completedAt": CREATED - 1}, ["completed_at:order"]),
    (COMPLETED | {"completedAt": NOW, "updatedAt": NOW - 1}, ["completed_at:order"]),
    (CANCELLED | {"cancelledAt": CREATED - 1}, ["cancelled_at:order"]),
    (CANCELLED | {"cancelledAt": NOW, "updatedAt": NOW - 1}, ["cancelled_at:order"]),
    (COMPLETED | {"state": "SHUT"}, ["state_key:completed"]),
    (COMPLETED | {"state": "NEW"}, ["state_key:completed"]),
    (GOOD | {"state": "SHUT"}, ["state_key:open"]),
    (GOOD | {"state": "DONE"}, ["state_key:open"]),
    (ASSIGNED | {"lastAssignedAt": CREATED - 1}, ["last_assigned_at:order"]),
    (ASSIGNED | {"firstAssignedAt": CREATED - 1}, ["first_assigned_at:order"]),
    (GOOD | {"entity": OTHER}, ["entity_id:procedure"]),
    (GOOD | {"record": OTHER}, ["entity_id:missing"]),
    (GOOD | {"parentProcess": OTHER}, ["parent_procedure:missing"]),
    (GOOD | {"parentProcedure": OTHER}, ["parent_process_id:missing"]),
    (COMPLETED | {"nextActionAt": NOW}, ["next_action_at:closed"]),
    (CANCELLED | {"nextActionAt": NOW}, ["next_action_at:closed"]),
]


def broken(*records: dict[str, Any]) -> list[list[str]]:
    """The rules each record breaks, without their `core:`."""
    texts = [
        {raw(f.column): None if (v := record.get(f.name)) is None else str(v) for f in FIELDS}
        for record in records
    ]
    frame = pl.DataFrame(texts, schema={raw(f.column): pl.String for f in FIELDS})
    found = find_failures(convert(frame, STATE_ROWS), core_schema(RULES), RULES)
    rules = [found.filter(pl.col("row") == row)["rule"] for row in range(len(records))]
    return [[rule.removeprefix("core:") for rule in of_row] for of_row in rules]


def test_sound_versions_break_no_rule() -> None:
    sound = [
        GOOD,
        COMPLETED,
        COMPLETED | {"completedAt": CREATED},
        CANCELLED,
        CANCELLED | {"state": "NEW"},
        ASSIGNED | {"lastAssignedAt": CREATED, "nextActionAt": CREATED},
        GOOD | {"entity": ID, "record": OTHER, "parentProcess": OTHER, "parentProcedure": OTHER},
    ]
    assert broken(*sound) == [[]] * len(sound)


def test_what_breaks_each_rule() -> None:
    assert broken(*(record for record, _ in BROKEN)) == [rules for _, rules in BROKEN]


def test_every_rule_is_tried() -> None:
    tried = {f"core:{rule}" for _, rules in BROKEN for rule in rules}
    assert {rule.id for rule in (*between_fields(), *by_procedure())} <= tried


def test_a_procedure_without_an_entity_takes_any() -> None:
    rows = STATE_ROWS.with_columns(procedure_entity=pl.lit(None, dtype=pl.String))
    texts = {raw(f.column): str(GOOD[f.name]) if f.name in GOOD else None for f in FIELDS}
    frame = pl.DataFrame([texts | {raw("entity_id"): OTHER}], infer_schema_length=None).cast(
        pl.String
    )
    assert find_failures(convert(frame, rows), core_schema(RULES), RULES).is_empty()


@pytest.mark.parametrize("rule", [*between_fields(), *by_procedure()], ids=lambda rule: rule.id)
def test_each_rule_is_a_flag_with_a_sentence(rule: Any) -> None:
    assert (rule.severity, rule.sentence[-1]) == ("flag", ".")
    assert rule.names in {field.name for field in FIELDS}
