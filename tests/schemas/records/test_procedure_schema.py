"""The schema of a procedure, on frames as a user has them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from pandera.errors import SchemaErrors, SchemaWarning

from pipelines.settings import PROCEDURES_FOLDER
from schemas import load_procedures, procedure_schema
from schemas.definitions.procedure import Procedure
from schemas.records.procedure_schema import SchemaRow, schema_rows

ID = "00000000-0000-4000-8000-000000000000"
AT = datetime(2026, 1, 2)
GOOD: dict[str, Any] = {
    "process_id": ID,
    "status": "OPEN",
    "state": "NEW",
    "created_at": AT,
    "updated_at": AT,
    "completed_at": None,
    "size": 1,
    "tags": ["a"],
    "price": Decimal("1.5"),
}
TYPES = {
    "completed_at": pl.Datetime("us"),
    "price": pl.Decimal(38, 9),
    "created_at": pl.Datetime("us"),
    "updated_at": pl.Datetime("us"),
}
JOB = {
    "id": "10000000-0000-4000-8000-000000000000",
    "shortId": "job",
    "attributes": [
        {"id": ID, "shortId": "size", "type": "integerEnum", "options": [1, 2], "required": True},
        {"id": ID[:-1] + "1", "shortId": "tags", "type": "multiStringEnum", "options": ["a", "b"]},
        {"id": ID[:-1] + "2", "shortId": "price", "type": "decimal"},
    ],
    "states": [
        {"id": ID, "shortId": "NEW", "kind": "queue"},
        {"id": ID[:-1] + "1", "shortId": "DONE", "kind": "done"},
    ],
    "startState": "NEW",
    "completedState": "DONE",
}


def job(**changes: Any) -> Procedure:
    return Procedure.model_validate(JOB | changes)


def validate(procedure: Procedure, **changes: Any) -> pl.DataFrame:
    usual = pl.DataFrame([GOOD], schema_overrides=TYPES)
    frame = pl.DataFrame([GOOD | changes], schema_overrides=TYPES).with_columns(
        pl.lit(None, dtype=usual.schema[name]).alias(name)
        for name, value in changes.items()
        if value is None
    )
    return procedure_schema(procedure, columns=frame.columns).validate(frame, lazy=True)


def test_a_sound_frame_passes_as_it_is() -> None:
    assert validate(job()).rows() == [tuple(GOOD.values())]


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("process_id", "x", "`id` is a uuid."),
        ("status", "DONE", "`status` is one of OPEN, COMPLETED, CANCELLED."),
        ("state", "OLD", "`state` is a state of the procedure."),
        ("created_at", datetime(1999, 1, 1), "`createdAt` lies between 2000-01-01 and 2100-01-01."),
        ("size", 3, "`size` is one of its 2 options."),
        ("tags", ["a", "c"], "`tags` is one of its 2 options."),
        ("process_id", None, "not_nullable"),
    ],
)
def test_bad_values_are_errors(column: str, value: Any, sentence: str) -> None:
    with pytest.raises(SchemaErrors) as raised:
        validate(job(), **{column: value})
    [error] = raised.value.schema_errors
    assert (error.schema.name, sentence in str(error.check)) == (column, True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"size": None}, "`size` is required."),
        ({"completed_at": AT}, "An OPEN version has no `completedAt`."),
        ({"state": "DONE"}, "An OPEN version is not in a state of kind `done`."),
        ({"updated_at": datetime(2026, 1, 1)}, "`updatedAt` is not before `createdAt`."),
    ],
)
def test_flags_are_warnings(changes: dict[str, Any], sentence: str) -> None:
    with pytest.warns(SchemaWarning, match=sentence):
        validate(job(), **changes)


def test_a_procedure_chooses_its_severities() -> None:
    validate(job(rules={"core:completed_at:open": "off"}), completed_at=AT)
    with pytest.raises(SchemaErrors):
        validate(job(rules={"core:completed_at:open": "reject"}), completed_at=AT)


def test_types_and_missing_columns_are_errors() -> None:
    frame = pl.DataFrame([GOOD], schema_overrides=TYPES)
    with pytest.raises(SchemaErrors):
        procedure_schema(job()).validate(frame, lazy=True)
    with pytest.raises(SchemaErrors):
        validate(job(), size="1")


def test_the_rows_of_a_schema() -> None:
    rows = list(schema_rows(procedure_schema(job(), columns=["state", "status", "size", "price"])))
    assert rows[:2] == [
        SchemaRow(
            "status",
            "String",
            False,
            "core:status:isin",
            "error",
            "`status` is one of OPEN, COMPLETED, CANCELLED.",
        ),
        SchemaRow(
            "status",
            "String",
            False,
            "core:state_key:completed",
            "warning",
            "A COMPLETED version is in the `completedState` of its procedure.",
        ),
    ]
    assert [(row.column, row.rule) for row in rows[3:]] == [
        ("state", "core:state_key:isin"),
        ("size", "attr:size:required"),
        ("size", "attr:size:isin"),
        ("price", ""),
    ]


def test_shipped_definitions_have_a_schema() -> None:
    for procedure in load_procedures(PROCEDURES_FOLDER):
        assert len(list(schema_rows(procedure_schema(procedure)))) > len(procedure.attributes)
