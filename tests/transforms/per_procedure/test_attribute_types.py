"""Every attribute type with good, dirty and bad values: what they become, and the rules they break.

The rows are in `attribute_rows.py` and `structured_rows.py`; documents and fingerprints are tried in `test_attributes.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from schemas.definitions.attribute_types import ATTRIBUTE_TYPES, BY_NAME
from schemas.definitions.procedure import Attribute, DerivedAttribute, Procedure, State
from schemas.records.attribute_rules import rule_names
from schemas.records.attribute_values import values_of
from schemas.sql_text import quoted
from tests.support.attribute_rows import ALWAYS, OPTIONS, PLAIN_ROWS, STATE, TIME_ZONE
from tests.support.identifiers import uid
from tests.support.structured_rows import STRUCTURED_ROWS
from transforms.macros.load import MACROS
from transforms.per_procedure.attributes import column_values, options_only, read_values
from transforms.validate.documents import DocumentValidator

ROWS = PLAIN_ROWS | STRUCTURED_ROWS
ATTRIBUTE, DERIVED = (uid(name) for name in ("x", "y"))


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(MACROS)
        yield con


def procedure(kind: str, *, strict: bool = False, required: bool = False) -> Procedure:
    """A procedure with `x`, an attribute, and `y`, a derived one, of the same type."""
    options = OPTIONS.get(kind, ())
    return Procedure(
        id=STATE,
        short_id="order",
        attributes=(
            Attribute(id=ATTRIBUTE, short_id="x", type=kind, options=options, required=required),
        ),
        derived_attributes=(
            DerivedAttribute(id=DERIVED, short_id="y", type=kind, options=options),
        ),
        states=(
            State(id=STATE, short_id="NEW", kind="queue"),
            State(id=ATTRIBUTE, short_id="DONE", kind="done"),
        ),
        start_state="NEW",
        completed_state="DONE",
        timezone=TIME_ZONE,
        strict=strict,
    )


def documents(texts: list[str], of: str = "data") -> pl.DataFrame:
    key, other = ("x", "derived_data") if of == "data" else ("y", "data")
    members = [f'{{"{key}":{text}}}' for text in texts]
    return pl.DataFrame({"line": range(len(texts)), of: members, other: "{}"})


def kept_values(
    con: duckdb.DuckDBPyConnection, kind: str, texts: list[str]
) -> list[tuple[Any, ...]]:
    """The columns of the wide table for `x`."""
    value, _ = values_of(procedure(kind))
    con.register("documents", documents(texts))
    query = read_values([value], source="documents", keep=["line"], time_zone=TIME_ZONE)
    kept = options_only(value, quoted(value.column))
    parts = column_values(value, kept)
    assert list(parts) == list(value.columns)
    columns = ", ".join(parts.values())
    return con.execute(f"select {columns} from ({query}) order by line").fetchall()


def broken_rules(
    con: duckdb.DuckDBPyConnection, validated: Procedure, frame: pl.DataFrame
) -> list[list[tuple[str, str]]]:
    """The rules each line breaks, with their severities."""
    _, violations = DocumentValidator.of(validated).validate(con, frame)
    found: list[list[tuple[str, str]]] = [[] for _ in range(frame.height)]
    for line, rule, severity in violations.select("line", "rule", "severity").sort("rule").rows():
        found[line].append((rule, severity))
    return found


def test_every_type_has_rows_and_is_tried_with_the_usual_dirt() -> None:
    assert set(ROWS) == set(ATTRIBUTE_TYPES)
    for kind, rows in ROWS.items():
        assert set(ALWAYS) <= {row[0] for row in rows}, kind
        assert any(row[1] is not None for row in rows), kind


@pytest.mark.parametrize("kind", ATTRIBUTE_TYPES)
def test_values_convert_or_are_null(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    found = kept_values(con, kind, [row[0] for row in ROWS[kind]])
    for (text, value, *_), kept in zip(ROWS[kind], found, strict=True):
        parts = BY_NAME[kind].conversion.parts
        expected = tuple((value or {}).get(part) for part in parts) if parts else (value,)
        assert kept == expected, text
        assert [type(part) for part in kept] == [type(part) for part in expected], text


@pytest.mark.parametrize("kind", ATTRIBUTE_TYPES)
def test_values_break_the_rules_they_should(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    texts = [row[0] for row in ROWS[kind]]
    severities = {"type": "null", "isin": "null", "as_text": "flag"}
    for stem, frame in (
        ("attr:x", documents(texts)),
        ("derived:y", documents(texts, "derived_data")),
    ):
        found = broken_rules(con, procedure(kind), frame)
        for (text, _, *rules), broken in zip(ROWS[kind], found, strict=True):
            assert broken == [(f"{stem}:{rule}", severities[rule]) for rule in sorted(rules)], text


@pytest.mark.parametrize("kind", ATTRIBUTE_TYPES)
def test_a_type_has_the_rules_it_says(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    tried = {rule for _, _, *rules in ROWS[kind] for rule in rules}
    assert tried <= {*rule_names(BY_NAME[kind])}
    validated = procedure(kind, required=True)
    ids = {rule.id for rule in DocumentValidator.of(validated).rules if rule.id.startswith("attr:")}
    assert ids == {f"attr:x:{name}" for name in rule_names(BY_NAME[kind])}
    missing = broken_rules(con, validated, documents(["null", '""']))
    assert missing == [[("attr:x:required", "flag")]] * 2


@pytest.mark.parametrize("kind", ATTRIBUTE_TYPES)
def test_a_strict_procedure_rejects_what_others_null(
    con: duckdb.DuckDBPyConnection, kind: str
) -> None:
    texts = [row[0] for row in ROWS[kind]]
    found = broken_rules(con, procedure(kind, strict=True), documents(texts))
    for (text, value, *rules), broken in zip(ROWS[kind], found, strict=True):
        is_spoiled = bool({"type", "isin"} & {*rules})
        assert any(severity == "reject" for _, severity in broken) == is_spoiled, text
        assert not is_spoiled or value is None


_MEMBERS = ("lat", "lng", "city", "location", "geometry", "address_components", "formattedAddress")
_STRANGE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "1", "route", "91", "é"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("types", "long_name", "location", *_MEMBERS[:2])), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.sampled_from(_MEMBERS), _STRANGE), min_size=20, max_size=20))
@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_no_object_raises(con: duckdb.DuckDBPyConnection, objects: list[dict[str, Any]]) -> None:
    texts = [json.dumps(value, ensure_ascii=False) for value in objects]
    for kind in ("geolocation", "googleAddress", "cart", "multiCarts"):
        assert len(kept_values(con, kind, texts)) == 20
