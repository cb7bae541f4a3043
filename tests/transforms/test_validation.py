"""Records judged: accepted with what was nulled, rejected with every rule, and the violations."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import duckdb
import polars as pl
import pytest

from schemas.core_record import FIELDS, raw
from schemas.definitions import Attribute, DerivedAttribute, Procedure, Procedures, State
from transforms.tables import MACROS
from transforms.validation import Validated, Validator

NOW = 1_780_000_000_000


def uid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def attribute(short_id: str, kind: str, **options: Any) -> Attribute:
    return Attribute(id=uid(short_id), short_id=short_id, type=kind, **options)


def procedure(short_id: str, **options: Any) -> Procedure:
    return Procedure(
        id=uid(short_id),
        short_id=short_id,
        attributes=(
            attribute("mail", "email"),
            attribute("score", "integer", required=True),
            attribute("tier", "stringEnum", options=("gold", "tin")),
            attribute("tags", "multiStringEnum", options=("a", "b")),
            attribute("nick", "string", personal=True),
            attribute("ok", "boolean"),
            attribute("note:type", "text"),
        ),
        derived_attributes=(DerivedAttribute(id=uid("worth"), short_id="worth", type="decimal"),),
        states=(State(id=uid(f"{short_id} NEW"), short_id="NEW", kind="queue"),),
        start_state="NEW",
        completed_state="NEW",
        **options,
    )


PROCEDURES = Procedures((procedure("easy"), procedure("harsh", strict=True)), {})


@pytest.fixture(scope="module")
def validator() -> Iterator[Validator]:
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(MACROS)
        yield Validator(con, PROCEDURES, NOW)


def record(data: Any, of: str = "easy", **changes: str | None) -> dict[str, str | None]:
    texts = {
        "id": uid("process"),
        "team": uid("team"),
        "procedure": uid(of),
        "status": "OPEN",
        "state": "NEW",
        "createdAt": str(NOW),
        "updatedAt": str(NOW),
        "data": data if isinstance(data, str) else json.dumps(data),
    }
    return texts | changes


def judge(validator: Validator, *records: dict[str, str | None]) -> Validated:
    rows = [
        {"line": line} | {raw(f.column): texts.get(f.name) for f in FIELDS}
        for line, texts in enumerate(records, start=10)
    ]
    schema = {"line": pl.Int64} | {raw(f.column): pl.String for f in FIELDS}
    return validator.validate(pl.DataFrame(rows, schema=schema))


def violations(validated: Validated) -> list[tuple[Any, ...]]:
    shown = ("line", "rule", "severity", "column_name", "value")
    return validated.violations.select(shown).rows()


def test_a_good_record_passes_untouched(validator: Validator) -> None:
    good = {"score": 1, "mail": "a@b.de", "tier": "tin", "tags": ["b", "a"], "ok": True}
    by_id = {uid(key): value for key, value in good.items()}
    judged = judge(
        validator,
        record(good, derivedData='{"worth":1.5}'),
        record(by_id, derivedData=json.dumps({uid("worth"): 1.5})),
        record(good, "harsh"),
    )
    assert judged.accepted["line"].to_list() == [10, 11, 12]
    assert (violations(judged), judged.rejected.height) == ([], 0)
    first, second, other = judged.accepted.iter_rows(named=True)
    assert first["state_id"] == uid("easy NEW")
    assert (first["data"], second["data"]) == (json.dumps(good), json.dumps(by_id))
    hashes = [(row["data_hash"], row["derived_data_hash"]) for row in (first, second, other)]
    assert hashes[0] == hashes[1]
    assert hashes[0][0] == hashes[2][0]
    assert hashes[0][1] != hashes[2][1]


def test_attributes_are_nulled_or_flagged_and_never_cost_the_version(validator: Validator) -> None:
    judged = judge(
        validator,
        record({"score": "146", "tier": "lead", "tags": ["a", "c"], "ok": "true"}),
        record({"score": "many", "mail": "nobody", "nick": ["x"], "note:type": {"x": 1}}),
        record({"score": None, "tier": ["gold"], "tags": "a", "ok": ""}),
        record(
            {"score": 1, "surprise": "secret", uid("else"): 2}, derivedData='{"worth":"1","x":1}'
        ),
        record("{}", derivedData='["no object"]'),
    )
    assert judged.accepted["line"].to_list() == [10, 11, 12, 13, 14]
    assert judged.accepted["derived_data"].to_list()[-2:] == ['{"worth":"1","x":1}', "{}"]
    assert violations(judged) == [
        (10, "attr:ok:as_text", "flag", "ok", '"true"'),
        (10, "attr:score:as_text", "flag", "score", '"146"'),
        (10, "attr:tags:isin", "null", "tags", '["a","c"]'),
        (10, "attr:tier:isin", "null", "tier", '"lead"'),
        (11, "attr:mail:type", "null", "mail", "***"),
        (11, "attr:nick:type", "null", "nick", "***"),
        (11, "attr:note:type:type", "null", "note:type", '{"x":1}'),
        (11, "attr:score:type", "null", "score", '"many"'),
        (12, "attr:score:required", "flag", "score", None),
        (12, "attr:tags:type", "null", "tags", '"a"'),
        (12, "attr:tier:type", "null", "tier", '["gold"]'),
        (13, "attr:*:declared", "flag", uid("else"), "***"),
        (13, "attr:*:declared", "flag", "surprise", "***"),
        (13, "derived:*:declared", "flag", "x", "***"),
        (13, "derived:worth:as_text", "flag", "worth", '"1"'),
        (14, "attr:score:required", "flag", "score", None),
        (14, "core:derived_data:type", "null", "derivedData", "***"),
    ]
    row = judged.violations.row(0, named=True)
    accepted = judged.accepted.row(0, named=True)
    for name in ("process_id", "procedure_id", "updated_at"):
        assert row[name] == accepted[name]


def test_a_strict_procedure_rejects_what_others_null(validator: Validator) -> None:
    judged = judge(
        validator,
        record({"score": "many", "tier": "lead", "surprise": 1}, "harsh"),
        record({"score": "5", "surprise": 1}, "harsh"),
        record({"score": 5, "tags": ["c"]}, "harsh"),
    )
    assert judged.accepted["line"].to_list() == [11]
    assert judged.rejected.rows() == [
        (10, ["attr:score:type", "attr:tier:isin"], uid("process"), uid("harsh")),
        (12, ["attr:tags:isin"], uid("process"), uid("harsh")),
    ]
    assert violations(judged) == [
        (11, "attr:*:declared", "flag", "surprise", "***"),
        (11, "attr:score:as_text", "flag", "score", '"5"'),
    ]


def test_a_rejected_record_names_every_rule_and_has_no_violations(validator: Validator) -> None:
    judged = judge(
        validator,
        record({"score": "many"}, status="GONE", state="OLD", assignedTo="me"),
        record('{"score":1,"score":2}'),
        record({"score": 1}, derivedData='{"worth":1,"worth":2}', procedure=None),
        record({"score": 1}),
    )
    assert judged.rejected.rows() == [
        (10, ["core:state_key:isin", "core:status:isin"], uid("process"), uid("easy")),
        (11, ["file:json:repeated"], uid("process"), uid("easy")),
        (12, ["core:procedure_id:required"], uid("process"), None),
    ]
    assert judged.accepted["line"].to_list() == [13]
    assert violations(judged) == []


def test_core_references_and_times_are_nulled(validator: Validator) -> None:
    judged = judge(
        validator,
        record({"score": 1}, createdBy="Ann", assignedTo="Bob", firstAssignedTo="Cy"),
        record({"score": 1}, belongsTo="pod-7", completedAt='"x"', cancelledAt="1"),
        record({"score": 1}, status="COMPLETED", completedAt="0", nextActionAt=str(NOW * 3)),
    )
    assert violations(judged) == [
        (10, "core:assigned_to:uuid", "null", "assignedTo", "***"),
        (10, "core:created_by:uuid", "null", "createdBy", "***"),
        (10, "core:first_assigned_to:uuid", "null", "firstAssignedTo", "***"),
        (11, "core:cancelled_at:range", "null", "cancelledAt", "1"),
        (11, "core:completed_at:type", "null", "completedAt", '"x"'),
        (11, "core:pod_id:uuid", "null", "belongsTo", "pod-7"),
        (12, "core:completed_at:missing", "flag", "completedAt", "0"),
        (12, "core:next_action_at:range", "null", "nextActionAt", str(NOW * 3)),
    ]
    nulled = ("created_by", "assigned_to", "pod_id", "completed_at", "cancelled_at")
    for name in nulled:
        assert judged.accepted[name].null_count() == 3, name


def test_long_values_and_keys_are_shown_by_their_start(validator: Validator) -> None:
    judged = judge(validator, record({"score": "x" * 5000, "k" * 5000: 1}, belongsTo="y" * 5000))
    lengths = {rule: (len(name), len(value)) for _, rule, _, name, value in violations(judged)}
    assert lengths == {
        "attr:score:type": (5, 200),
        "attr:*:declared": (200, 3),
        "core:pod_id:uuid": (9, 200),
    }


def test_no_personal_value_leaves_its_document(validator: Validator) -> None:
    secret = "Wilhelmina"
    judged = judge(
        validator,
        record(
            {"score": 1, "mail": secret, "nick": [secret], "left": secret},
            assignedTo=secret,
            createdBy=secret,
            derivedData=json.dumps([secret]),
        ),
    )
    assert judged.violations.height == 6
    assert secret not in str(judged.violations.rows())
    assert secret not in str(judged.accepted.drop("data").rows())


def test_nothing_to_judge(validator: Validator) -> None:
    judged = judge(validator)
    assert (judged.accepted.height, judged.rejected.height, judged.violations.height) == (0, 0, 0)
    full = judge(validator, record({"score": "5"}), record({}, status="?"))
    for name in ("accepted", "rejected", "violations"):
        assert getattr(judged, name).schema == getattr(full, name).schema
