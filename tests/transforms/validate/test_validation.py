"""Records validated: accepted with what was nulled, rejected with every rule, and the violations."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import polars as pl
import pytest

from schemas.definitions.procedure import (
    Attribute,
    DerivedAttribute,
    Procedure,
    Procedures,
    State,
    StateKind,
)
from schemas.records.limits import raw
from schemas.records.record import FIELDS
from tests.support.identifiers import uid
from transforms.macros.load import MACROS
from transforms.validate.documents import DocumentValidator
from transforms.validate.validation import Validated, Validator, validate_by_procedure

NOW = 1_780_000_000_000


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


def validate(validator: Validator, *records: dict[str, str | None]) -> Validated:
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
    validated = validate(
        validator,
        record(good, derivedData='{"worth":1.5}'),
        record(by_id, derivedData=json.dumps({uid("worth"): 1.5})),
        record(good, "harsh"),
    )
    assert validated.accepted["line"].to_list() == [10, 11, 12]
    assert (violations(validated), validated.rejected.height) == ([], 0)
    first, second, other = validated.accepted.iter_rows(named=True)
    assert first["state_id"] == uid("easy NEW")
    assert (first["data"], second["data"]) == (json.dumps(good), json.dumps(by_id))
    hashes = [(row["data_hash"], row["derived_data_hash"]) for row in (first, second, other)]
    assert hashes[0] == hashes[1]
    assert hashes[0][0] == hashes[2][0]
    assert hashes[0][1] != hashes[2][1]


def test_attributes_are_nulled_or_flagged_and_never_cost_the_version(validator: Validator) -> None:
    validated = validate(
        validator,
        record({"score": "146", "tier": "lead", "tags": ["a", "c"], "ok": "true"}),
        record({"score": "many", "mail": "nobody", "nick": ["x"], "note:type": {"x": 1}}),
        record({"score": None, "tier": ["gold"], "tags": "a", "ok": ""}),
        record(
            {"score": 1, "surprise": "secret", uid("else"): 2}, derivedData='{"worth":"1","x":1}'
        ),
        record("{}", derivedData='["no object"]'),
    )
    assert validated.accepted["line"].to_list() == [10, 11, 12, 13, 14]
    assert validated.accepted["derived_data"].to_list()[-2:] == ['{"worth":"1","x":1}', "{}"]
    assert violations(validated) == [
        (10, "attr:ok:as_text", "flag", "ok", '"true"'),
        (10, "attr:score:as_text", "flag", "score", '"146"'),
        (10, "attr:tags:isin", "null", "tags", '["a","c"]'),
        (10, "attr:tier:isin", "null", "tier", '"lead"'),
        (11, "attr:mail:type", "null", "mail", "***"),
        (11, "attr:nick:type", "null", "nick", "***"),
        (11, "attr:note:type:type", "null", "note:type", "***"),
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
    row = validated.violations.row(0, named=True)
    accepted = validated.accepted.row(0, named=True)
    for name in ("process_id", "procedure_id", "updated_at"):
        assert row[name] == accepted[name]


def test_a_strict_procedure_rejects_what_others_null(validator: Validator) -> None:
    validated = validate(
        validator,
        record({"score": "many", "tier": "lead", "surprise": 1}, "harsh"),
        record({"score": "5", "surprise": 1}, "harsh"),
        record({"score": 5, "tags": ["c"]}, "harsh"),
    )
    assert validated.accepted["line"].to_list() == [11]
    assert validated.rejected.rows() == [
        (10, ["attr:score:type", "attr:tier:isin"], uid("process"), uid("harsh")),
        (12, ["attr:tags:isin"], uid("process"), uid("harsh")),
    ]
    assert violations(validated) == [
        (11, "attr:*:declared", "flag", "surprise", "***"),
        (11, "attr:score:as_text", "flag", "score", '"5"'),
    ]


def test_a_rejected_record_names_every_rule_and_has_no_violations(validator: Validator) -> None:
    validated = validate(
        validator,
        record({"score": "many"}, status="GONE", state="OLD", assignedTo="me"),
        record('{"score":1,"score":2}'),
        record({"score": 1}, derivedData='{"worth":1,"worth":2}', procedure=None),
        record({"score": 1}),
    )
    assert validated.rejected.rows() == [
        (10, ["core:state_key:isin", "core:status:isin"], uid("process"), uid("easy")),
        (11, ["file:json:repeated"], uid("process"), uid("easy")),
        (12, ["core:procedure_id:required"], uid("process"), None),
    ]
    assert validated.accepted["line"].to_list() == [13]
    assert violations(validated) == []


def test_core_references_and_times_are_nulled(validator: Validator) -> None:
    validated = validate(
        validator,
        record({"score": 1}, createdBy="Ann", assignedTo="Bob", firstAssignedTo="Cy"),
        record({"score": 1}, belongsTo="pod-7", completedAt='"x"', cancelledAt="1"),
        record({"score": 1}, status="COMPLETED", completedAt="0", nextActionAt=str(NOW * 3)),
    )
    assert violations(validated) == [
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
        assert validated.accepted[name].null_count() == 3, name


def test_long_values_and_keys_are_shown_by_their_start(validator: Validator) -> None:
    validated = validate(
        validator, record({"score": "x" * 5000, "k" * 5000: 1}, belongsTo="y" * 5000)
    )
    lengths = {rule: (len(name), len(value)) for _, rule, _, name, value in violations(validated)}
    assert lengths == {
        "attr:score:type": (5, 200),
        "attr:*:declared": (200, 3),
        "core:pod_id:uuid": (9, 200),
    }


def test_no_personal_value_leaves_its_document(validator: Validator) -> None:
    secret = "Wilhelmina"
    validated = validate(
        validator,
        record(
            {"score": 1, "mail": secret, "nick": [secret], "left": secret},
            assignedTo=secret,
            createdBy=secret,
            derivedData=json.dumps([secret]),
        ),
    )
    assert validated.violations.height == 6
    assert secret not in str(validated.violations.rows())
    assert secret not in str(validated.accepted.drop("data").rows())


def test_nothing_to_validate(validator: Validator) -> None:
    validated = validate(validator)
    assert (validated.accepted.height, validated.rejected.height, validated.violations.height) == (
        0,
        0,
        0,
    )
    full = validate(validator, record({"score": "5"}), record({}, status="?"))
    for name in ("accepted", "rejected", "violations"):
        assert getattr(validated, name).schema == getattr(full, name).schema


def test_a_lost_character_is_flagged(validator: Validator) -> None:
    validated = validate(validator, record('{"score":1,"nick":"\ufffd"}', derivedData='{"x":"?"}'))
    assert violations(validated)[0] == (10, "core:data:text", "flag", "data", "***")


def test_the_id_wins_over_other_keys_and_a_difference_is_flagged(validator: Validator) -> None:
    score, nick = uid("score"), uid("nick")
    validated = validate(
        validator,
        record({"score": 1, score: 2}),
        record({"score": 3, score: 3}),
        record({"score": 4, score: None}),
        record({"score": None, score: 5}),
        record({"score": 6, nick: "a", "nick": "b"}),
    )
    assert validated.rejected.height == 0
    assert violations(validated) == [
        (10, "attr:score:one_value", "flag", "score", "1"),
        (12, "attr:score:one_value", "flag", "score", "4"),
        (12, "attr:score:required", "flag", "score", None),
        (14, "attr:nick:one_value", "flag", "nick", "***"),
    ]
    # What is ignored is no part of the content.
    alone = validate(validator, record({"score": 2}))
    assert validated.accepted["data_hash"][0] == alone.accepted["data_hash"][0]


def test_a_procedure_chooses_what_a_broken_rule_costs() -> None:
    levels = {
        "core:completed_at:open": "reject",
        "core:cancelled_at:open": "null",
        "core:pod_id:uuid": "reject",
        "core:updated_at:order": "off",
    }
    procedures = Procedures((procedure("easy"), procedure("picky", rules=levels)), {})
    early, at = str(NOW - 1), str(NOW)
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(MACROS)
        validated = validate(
            Validator(con, procedures, NOW),
            *(
                record({"score": 1}, of, **changes)
                for changes in (
                    {"completedAt": at},
                    {"cancelledAt": at},
                    {"belongsTo": "?"},
                    {"updatedAt": early},
                )
                for of in ("easy", "picky")
            ),
        )
    assert validated.rejected.select("line", "rules").rows() == [
        (11, ["core:completed_at:open"]),
        (15, ["core:pod_id:uuid"]),
    ]
    cancelled = dict(validated.accepted.select("line", "cancelled_at").iter_rows())
    assert (cancelled[12], cancelled[13]) == (NOW, None)
    # A silenced rule is still recorded: the build leaves it out.
    assert [row[:3] for row in violations(validated)] == [
        (10, "core:completed_at:open", "flag"),
        (12, "core:cancelled_at:open", "flag"),
        (13, "core:cancelled_at:open", "null"),
        (14, "core:pod_id:uuid", "null"),
        (16, "core:updated_at:order", "flag"),
        (17, "core:updated_at:order", "flag"),
    ]


def test_stored_versions_are_validated_by_the_procedure_of_now() -> None:
    new, shut, done = (uid(name) for name in ("new", "shut", "done"))
    versions = pl.DataFrame(
        [
            (1, "COMPLETED", done, uid("entity")),
            (2, "COMPLETED", shut, None),
            (3, "OPEN", shut, uid("other")),
            (4, "OPEN", new, None),
        ],
        schema=["line", "status", "state_id", "entity_id"],
        orient="row",
    )
    kinds: dict[str, StateKind] = {"new": "queue", "shut": "done", "done": "done"}
    states = tuple(State(id=uid(n), short_id=n.upper(), kind=k) for n, k in kinds.items())
    of_now = {"states": states, "start_state": "NEW", "entity": uid("entity")}
    now = procedure("easy").model_copy(update=of_now | {"completed_state": "DONE"})
    found = validate_by_procedure(versions, now)
    assert found.sort("line", "rule").rows() == [
        (2, "core:state_key:completed", "flag", "state", shut),
        (3, "core:entity_id:procedure", "flag", "entity", uid("other")),
        (3, "core:state_key:open", "flag", "state", shut),
    ]
    other = now.model_copy(update={"completed_state": "SHUT", "entity": None})
    assert validate_by_procedure(versions, other).select("line", "rule").rows() == [
        (1, "core:state_key:completed"),
        (3, "core:state_key:open"),
    ]
    validators = [DocumentValidator.of(one).fingerprint for one in (now, other)]
    assert validators[0] != validators[1]
