"""Files and folders of definitions, and the exact problems of text that is no YAML or JSON.

What a definition must say does not belong here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from schemas.definition_files import load_procedure_files, load_procedures
from schemas.errors import DefinitionError, Problem
from tests.schemas.order_definition import (
    ID,
    ONE_FILE,
    ORDER,
    PROCEDURE_KEYS,
    order,
    problems_of,
)


def test_a_folder_gives_its_definition_files_only(tmp_path: Path) -> None:
    (tmp_path / "b.YML").write_text(ORDER)
    (tmp_path / "notes.txt").write_text("not a definition")
    (tmp_path / ".b.yml").write_text("not: [a definition")
    (tmp_path / "old.yaml").mkdir()
    assert [procedure.short_id for procedure in load_procedures(tmp_path)] == ["order"]


def test_no_folder_no_file_no_path(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    for load, expected in (
        (lambda: load_procedures(missing), (str(missing), "(folder)", "no such folder")),
        (lambda: load_procedures(tmp_path), (str(tmp_path), "(folder)", "no procedure files")),
        (lambda: load_procedure_files([]), ("(none)", "(file)", "no procedure files")),
    ):
        with pytest.raises(DefinitionError) as raised:
            load()
        assert raised.value.problems == (Problem(*expected, ONE_FILE),)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError) as raised:
        load_procedure_files([tmp_path / "gone.yaml"])
    assert raised.value.problems == (
        Problem(
            str(tmp_path / "gone.yaml"), "(file)", "no such file or directory", "a readable file"
        ),
    )


def test_all_problems_of_all_files_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(order(("kind: work", "kind: busy"), ("type: integer", "t: 1")))
    (tmp_path / "b.yaml").write_text("id: [")
    (tmp_path / "c.json").write_text('{"id": 1 2}')
    (tmp_path / "d.yaml").write_text(ORDER)
    with pytest.raises(DefinitionError) as raised:
        load_procedures(tmp_path)
    a, b, c, d = (str(tmp_path / name) for name in ("a.yaml", "b.yaml", "c.json", "d.yaml"))
    assert [(p.file, p.key) for p in raised.value.problems] == [
        (a, "attributes[score].type"),
        (a, "attributes[score].t"),
        (a, "states[ACTIVE].kind"),
        (b, "line 1, column 6"),
        (c, "line 1, column 10"),
        (d, "id"),
        (d, "shortId"),
    ]


def test_procedures_are_unique_over_files_whatever_the_case(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ORDER)
    (tmp_path / "b.yaml").write_text(order(("shortId: order", "shortId: Order")))
    with pytest.raises(DefinitionError) as raised:
        load_procedures(tmp_path)
    a, b = str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")
    owner = f"of the procedure in {a}"
    assert raised.value.problems == (
        Problem(b, "id", f"'{ID}01', already the id {owner}", "an id used once"),
        Problem(b, "shortId", f"'Order', already the shortId {owner}", "a shortId used once"),
    )


# Syntax


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ("a: b\nc: [1, 2\n", "line 3, column 1", "expected ',' or ']', but got '<stream end>'"),
        ("a: b\n---\nc: d\n", "line 2, column 1", "but found another document"),
        ("a: !!python/name:os.system x\n", "line 1, column 4", "the tag !!python/name:os.system"),
        ("a: !!set {b}\n", "line 1, column 4", "the tag !!set"),
        ("a: &a [*a]\n", "line 1, column 4", "an alias that contains itself"),
        ("? [a]\n: b\n", "line 1, column 3", "a key that is a list or a mapping"),
        ("a: " + "[" * 5000, "(file)", "values nested too deeply"),
    ],
)
def test_what_is_no_yaml(tmp_path: Path, text: str, key: str, found: str) -> None:
    assert problems_of(tmp_path, text) == [(key, found, "valid YAML")]


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        ('{"a": 1\n "b": 2}', "line 2, column 2", "Expecting ',' delimiter"),
        ('{"a": NaN}', "(file)", "NaN, which is no JSON number"),
        ("[" * 100_000, "(file)", "values nested too deeply"),
        ("", "line 1, column 1", "Expecting value"),
    ],
)
def test_what_is_no_json(tmp_path: Path, text: str, key: str, found: str) -> None:
    assert problems_of(tmp_path, text, "order.json") == [(key, found, "valid JSON")]


def test_a_control_character_is_no_yaml(tmp_path: Path) -> None:
    ((key, found, allowed),) = problems_of(tmp_path, "a: \x01\n")
    assert (key, allowed) == ("(file)", "valid YAML")
    assert "special characters are not allowed" in found


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "order.yaml"
    path.write_bytes(b"id: \xff")
    with pytest.raises(DefinitionError) as raised:
        load_procedure_files([path])
    assert raised.value.problems == (
        Problem(str(path), "(file)", "bytes that are not UTF-8 (at byte 4)", "UTF-8 text"),
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [("", "nothing"), ("- a\n", "a list"), ("some words", "'some words'"), ("5", "5")],
)
def test_a_file_that_is_no_mapping(tmp_path: Path, text: str, found: str) -> None:
    expected = ("(file)", found, f"a mapping with the keys {PROCEDURE_KEYS}")
    assert problems_of(tmp_path, text) == [expected]


def test_keys_written_twice(tmp_path: Path) -> None:
    text = order(
        ("shortId: score, type: integer", "shortId: score, type: integer, type: text"),
        ("  ACTIVE: [DONE]", "  ACTIVE: [DONE]\n  NEW: [DONE]"),
    )
    assert problems_of(tmp_path, text + "startState: ACTIVE\n") == [
        ("attributes[score].type", "the same key again in line 6", "each key once"),
        ("stategraph.NEW", "the same key again in line 16", "each key once"),
        ("startState", "the same key again in line 19", "each key once"),
    ]


def test_keys_written_twice_in_json(tmp_path: Path) -> None:
    text = json.dumps(yaml.safe_load(ORDER))
    text = text.replace('"type": "integer"', '"type": "integer", "type": "text"')
    text = text.replace('"kind": "work"', '"kind": "work", "kind": "work"')
    assert problems_of(tmp_path, text, "order.json") == [
        ("attributes[score].type", "the same key again", "each key once"),
        ("states[ACTIVE].kind", "the same key again", "each key once"),
    ]
