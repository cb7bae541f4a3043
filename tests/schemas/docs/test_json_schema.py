"""The JSON Schema of definitions: current, complete, and never stricter than the models.

What the models check does not belong here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.definitions.attribute_types import ATTRIBUTE_TYPES
from schemas.definitions.procedure import Procedure
from schemas.definitions.values import ENUM_OPTION_TYPES
from schemas.docs.json_schema import (
    CALENDAR_SCHEMA_FILE,
    SCHEMA_FILE,
    SOURCE_SCHEMA_FILE,
    calendar_schema,
    procedure_schema,
    schema_text,
    source_schema,
)
from schemas.errors import DefinitionError
from schemas.loading.check_procedure import check_procedure
from schemas.loading.syntax import read_yaml
from tests.support.order_definition import ID, ORDER, order

PRODUCT = Path(__file__).parents[3] / "schemas" / "procedures"
CALENDARS = PRODUCT.with_name("calendars")
VALIDATOR = Draft202012Validator(procedure_schema())
QUICKLY = settings(
    max_examples=300, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)


def is_valid(text: str) -> bool:
    return VALIDATOR.is_valid(cast("Any", read_yaml(text).document))


def is_accepted(document: object) -> bool:
    try:
        check_procedure(document, file="order.yaml")
    except DefinitionError:
        return False
    return True


def test_the_schema_is_a_schema_and_the_file_is_current() -> None:
    Draft202012Validator.check_schema(procedure_schema())
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), (
        "run `uv run python -m schemas.docs.pages`"
    )


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if "additionalProperties" in schema and "properties" in schema:
            yield schema
        for inner in schema.values():
            yield from objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from objects(inner)


def test_every_key_is_described_in_camel_case() -> None:
    schema = procedure_schema()
    assert set(schema["properties"]) == {
        field.alias or name for name, field in Procedure.model_fields.items()
    }
    found = list(objects(schema))
    assert len(found) >= 6
    for part in found:
        assert part["additionalProperties"] is False
        for key, value in part["properties"].items():
            assert "_" not in key
            assert value.get("description"), f"{key} has no description"
            assert "title" not in value


def test_types_and_kinds_are_lists_to_choose_from() -> None:
    defs = procedure_schema()["$defs"]
    assert defs["Attribute"]["properties"]["type"]["enum"] == list(ATTRIBUTE_TYPES)
    assert defs["DerivedAttribute"]["properties"]["type"]["enum"] == list(ATTRIBUTE_TYPES)
    kinds = ["queue", "work", "waiting_customer", "waiting_other", "done"]
    assert defs["State"]["properties"]["kind"]["enum"] == kinds


@pytest.mark.parametrize("path", sorted(PRODUCT.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_definitions_of_the_product_are_valid_and_name_the_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert is_valid(text)
    assert named_schema(path) == SCHEMA_FILE


def named_schema(path: Path) -> Path:
    """The file that the first line tells editors to check by."""
    prefix = "# yaml-language-server: $schema="
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    assert first.startswith(prefix)
    return (path.parent / first.removeprefix(prefix)).resolve()


@pytest.mark.parametrize("path", sorted(CALENDARS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_calendars_of_the_product_are_valid_and_name_the_schema(path: Path) -> None:
    document = cast("Any", read_yaml(path.read_text(encoding="utf-8")).document)
    validator = Draft202012Validator(calendar_schema())
    assert validator.is_valid(document)
    assert not validator.is_valid({**document, "zone": "Europe/Berlin"})
    assert not validator.is_valid({k: v for k, v in document.items() if k != "name"})
    assert named_schema(path) == CALENDAR_SCHEMA_FILE


SOURCES = sorted((PRODUCT.parent / "sources").rglob("*.yaml"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_examples_of_sources_are_valid_and_name_their_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path.parent.name != "sources":
        assert is_valid(text)
        assert named_schema(path) == SCHEMA_FILE
        return
    document = cast("Any", read_yaml(text).document)
    validator = Draft202012Validator(source_schema())
    assert validator.is_valid(document)
    assert not validator.is_valid({**document, "zone": "Europe/Berlin"})
    assert not validator.is_valid({**document, "shape": "wide"})
    assert not validator.is_valid({k: v for k, v in document.items() if k != "procedure"})
    assert named_schema(path) == SOURCE_SCHEMA_FILE


ACCEPTED = [
    order(),
    order((f"{ID}11", "ABCDEF00-0000-4000-8000-000000000021")),
    order(("shortId: order", "shortId: order\nname: null\nentity: null\nprimaryIdentifier: ~")),
    order(
        ("startState: NEW", f"startState: {ID}21"), ("primaryKey: number", f"primaryKey: {ID}11")
    ),
    order(("  NEW: [ACTIVE]", f"  {ID}21: [{ID}22]")),
    order(("stategraph:\n  NEW: [ACTIVE]\n  ACTIVE: [DONE]\n", "stategraph: null\n")),
    order(("  ACTIVE: [DONE]", "  ACTIVE: [DONE]\n  DONE: []")),
    order(("steps: [NEW, DONE]", "steps: [[NEW, ACTIVE], {name: Over, states: [DONE]}]")),
    order(("within: 7d", "within: null")),
    order(("type: integer", "type: integer, options: [], personal: null")),
    order(("type: integer", "type: floatEnum, options: [1, 2.5]")),
    order(("type: integer", "type: multiStringEnum, options: [a, '1'], personal: false")),
    order(("type: integer", "type: integer, required: true, unique: true, track: true")),
    ORDER + f"derivedAttributes: [{{id: {ID}13, shortId: 'due at', type: datetime}}]\n",
    ORDER + "timezone: Europe/Berlin\nstrict: true\n",
]
BROKEN = [
    order(("shortId: order", "shortId: 2nd order")),
    order(("shortId: order\n", "")),
    order((f"id: {ID}01", "id: 17")),
    order((f"id: {ID}11", "id: abc")),
    order(("type: integer", "type: intger")),
    order(("type: integer", "type: stringEnum")),
    order(("type: integer", "type: stringEnum, options: []")),
    order(("type: integer", "type: stringEnum, options: [1]")),
    order(("type: integer", "type: integerEnum, options: [1, 2.5]")),
    order(("type: integer", "type: floatEnum, options: [true]")),
    order(("type: integer", "type: stringEnum, options: [a, a]")),
    order(("type: integer", "type: integer, options: [1]")),
    order(("type: integer", "type: integer, colour: red")),
    order(("type: integer", "type: integer, required: 'yes'")),
    order(("kind: work", "kind: busy")),
    order((", kind: work", "")),
    order(("shortId: ACTIVE", "shortId: ' ACTIVE'")),
    order(("startState: NEW", "start_state: NEW")),
    order(("  NEW: [ACTIVE]", "  NEW: ACTIVE")),
    order(("  NEW: [ACTIVE]", "  NEW: [ACTIVE, ACTIVE]")),
    order(("within: 7d", "within: 7 days")),
    order(("within: 7d", "within: 7")),
    order(("steps: [NEW, DONE]", "steps: []")),
    order(("steps: [NEW, DONE]", "steps: [[]]")),
    order(("steps: [NEW, DONE]", "steps: [{name: x}]")),
    order(("steps: [NEW, DONE]", "steps: [{name: x, states: [NEW], also: 1}]")),
    ORDER + "timezone: 1\n",
    ORDER + "strict: 'true'\n",
    ORDER + "slas_: []\n",
    "[]",
    "",
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_the_models_accept_is_valid(text: str) -> None:
    assert is_accepted(read_yaml(text).document)
    assert is_valid(text)


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_broken_is_not_valid(text: str) -> None:
    assert not is_accepted(read_yaml(text).document)
    assert not is_valid(text)


NOTHING = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
LABELS = st.sampled_from(
    ["a", "b c", "ä", "", " x", "NEW", "DONE", f"{ID}21", f"{ID}22", "line\nb"]
)


def chances(key: str, value: object) -> st.SearchStrategy[object]:
    """Values for a key of a definition: likely ones, and some that are wrong."""
    usual: dict[str, st.SearchStrategy[object]] = {
        "options": st.lists(st.sampled_from(["a", "b", 1, 2, 2.5, True]), max_size=3),
        "type": st.sampled_from(["integer", "email", *ENUM_OPTION_TYPES]),
        "within": st.sampled_from(["1s", "90m", "0d", "7d", "1w2d"]),
        "steps": st.lists(LABELS | st.lists(LABELS, max_size=2), max_size=3),
        "stategraph": st.dictionaries(LABELS, st.lists(LABELS, max_size=2), max_size=2),
        "name": LABELS | st.none(),
        "shortId": LABELS,
    }
    return usual.get(key, st.just(value)) | NOTHING


@QUICKLY
@given(data=st.data())
def test_no_document_that_the_models_accept_is_invalid(data: st.DataObject) -> None:
    document: Any = yaml.safe_load(ORDER)
    parts = [document, document["attributes"][1], document["states"][1], document["funnels"][0]]
    extra = {"options": [], "name": "x", "personal": None, "track": False, "strict": True}
    for _ in range(data.draw(st.integers(1, 3))):
        part = data.draw(st.sampled_from(parts))
        key = data.draw(st.sampled_from([*part, *extra]))
        if data.draw(st.booleans()) and key in part and key not in ("attributes", "states"):
            del part[key]
        else:
            part[key] = data.draw(chances(key, part.get(key, extra.get(key))))
    if is_accepted(document):
        assert VALIDATOR.is_valid(document), json.dumps(document)
