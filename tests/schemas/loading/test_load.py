"""Files and folders of definitions, and the exact problems of text that is no YAML or JSON.

What a definition must say does not belong here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from schemas.errors import DefinitionError, OperationError, Problem
from schemas.load import load_procedure_files, load_procedures
from tests.support.order_definition import (
    ID,
    ONE_FILE,
    ORDER,
    PROCEDURE_KEYS,
    load,
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
    with pytest.raises(OperationError, match=r"no such folder\. Name the folder"):
        load_procedures(tmp_path / "missing")
    for attempt, expected in (
        (lambda: load_procedures(tmp_path), (str(tmp_path), "(folder)", "no procedure files")),
        (lambda: load_procedure_files([]), ("(none)", "(file)", "no procedure files")),
    ):
        with pytest.raises(DefinitionError) as raised:
            attempt()
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
    assert [(p.place, p.key) for p in raised.value.problems] == [
        (f"{a}:6", "attributes[score].type"),
        (f"{a}:6", "attributes[score].t"),
        (f"{a}:9", "states[ACTIVE].kind"),
        (f"{b}:1:6", "(file)"),
        (f"{c}:1:10", "(file)"),
        (f"{d}:1", "id"),
        (f"{d}:2", "shortId"),
    ]


def test_procedures_are_unique_over_files_whatever_the_case(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ORDER)
    (tmp_path / "b.yaml").write_text(order(("shortId: order", "shortId: Order")))
    with pytest.raises(DefinitionError) as raised:
        load_procedures(tmp_path)
    a, b = str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")
    owner = f"of the procedure in {a}"
    assert raised.value.problems == (
        Problem(b, "id", f"'{ID}01', already the id {owner}", "an id used once", 1),
        Problem(b, "shortId", f"'Order', already the shortId {owner}", "a shortId used once", 2),
    )


# Characters


@pytest.mark.parametrize(
    "written", ['"Won \\ud83c\\udf89"', '"Won \\U0001f389"', '"Won 🎉"', "Won 🎉"]
)
def test_a_surrogate_pair_is_one_character(tmp_path: Path, written: str) -> None:
    text = order(("shortId: DONE, kind", f"shortId: DONE, name: {written}, kind"))
    assert load(tmp_path, text).states[2].name == "Won 🎉"


def test_a_surrogate_pair_in_json_is_one_character(tmp_path: Path) -> None:
    text = json.dumps(yaml.safe_load(ORDER) | {"name": "Won 🎉"})
    assert "\\ud83c\\udf89" in text
    assert load(tmp_path, text, "order.json").name == "Won 🎉"


@pytest.mark.parametrize(
    ("escape", "found"),
    [
        (r"\ud83c", r"\ud83c, half of a surrogate pair"),
        (r"\udf89\ud83c", r"\udf89, half of a surrogate pair"),
        (r"\u0000", r"\u0000, the null character"),
    ],
)
def test_a_character_that_no_table_can_hold_is_a_problem_with_a_line(
    tmp_path: Path, escape: str, found: str
) -> None:
    text = order(("shortId: ACTIVE, kind", f'shortId: ACTIVE, name: "a{escape}", kind'))
    (tmp_path / "order.yaml").write_text(text, encoding="utf-8")
    lines = ORDER.splitlines()
    document = json.dumps(yaml.safe_load(ORDER) | {"name": "?"}, indent=1)
    document = document.replace('"name": "?"', f'"name": "a{escape}"')
    (tmp_path / "order.json").write_text(document, encoding="utf-8")
    line = 1 + next(n for n, text in enumerate(lines) if "ACTIVE, kind" in text)
    for name, key, expected in (
        ("order.yaml", "states[ACTIVE].name", line),
        ("order.json", "name", 1 + document[: document.rindex('"name"')].count("\n")),
    ):
        with pytest.raises(DefinitionError) as raised:
            load_procedure_files([tmp_path / name])
        (problem,) = raised.value.problems
        assert (problem.key, problem.line) == (key, expected)
        assert (problem.found, problem.allowed) == (found, "text without it")
        assert str(problem).isascii()


def test_a_key_with_half_a_surrogate_pair_is_a_problem_with_a_line(tmp_path: Path) -> None:
    text = order(("completedState: DONE\n", 'completedState: DONE\n"\\ud83c": 1\n'))
    (tmp_path / "order.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as raised:
        load_procedure_files([tmp_path / "order.yaml"])
    line = 1 + text[: text.index('"\\ud83c"')].count("\n")
    assert [(p.line, p.found) for p in raised.value.problems] == [
        (line, r"\ud83c, half of a surrogate pair"),
        (line, "an unknown key"),
    ]


# Names of tables


@pytest.mark.parametrize("name", ["stalled", "Stalled", "history", "HISTORY_lead"])
def test_a_procedure_cannot_take_the_tables_of_leadtime(tmp_path: Path, name: str) -> None:
    assert problems_of(tmp_path, order(("shortId: order", f"shortId: {name}"))) == [
        (
            "shortId",
            f"'{name}'",
            f"another name: leadtime has tables of its own that begin with {name.lower()}_",
        )
    ]


# Syntax

BRACKETS = "a list or a mapping in brackets without its `,` or its closing bracket"
DOES_NOT_GO_ON = (
    "a line that does not go on with what began above it: look at its indentation, and at the `-` "
    "or the quotes of the line before"
)
NO_KEY = (
    "a `:` where no key can stand: look at the indentation, and put text that has `: ` in it into "
    "quotes"
)


@pytest.mark.parametrize("name", ["leads.ndjson", "leads.csv", "leads.ndjson.gz"])
def test_data_is_not_a_definition(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("{}")
    with pytest.raises(DefinitionError) as raised:
        load_procedure_files([path])
    allowed = f"a definition; `leadtime check --infer {path}` proposes one from data"
    assert raised.value.problems == (Problem(str(path), "(file)", "data", allowed),)


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [
        ("a: b\nc: [1, 2\n", (3, 1), BRACKETS),
        ("a: {b: 1\nc: 2", (2, 2), BRACKETS),
        ("a:\n  - b: 1\n - c: 2\n", (3, 2), "an indentation that fits nothing above it"),
        ("a:\n  b: 1\n c: 2\n", (3, 2), "an indentation that fits nothing above it"),
        ("- a\nb: c\n", (2, 1), DOES_NOT_GO_ON),
        ("a: b: c\n", (1, 5), NO_KEY),
        ("a: 1\nb 2\nc: 3\n", (3, 1), "a line before this one without a `:` after its key"),
        ("a:\n\t- b\n", (2, 1), "a tab: indent with spaces"),
        ("a: @b\n", (1, 4), "text that begins with @: put it into quotes"),
        ("a: *b\n", (1, 4), "text that begins with *: put it into quotes"),
        ("a: 'b\n", (2, 1), "a quote that is never closed"),
        ("a: b\n---\nc: d\n", (2, 1), "a second document (after `---`)"),
        ("a: !!python/name:os.system x\n", (1, 4), "the tag !!python/name:os.system"),
        ("a: !!set {b}\n", (1, 4), "the tag !!set"),
        ("a: &a [*a]\n", (1, 4), "an alias that contains itself"),
        ("? [a]\n: b\n", (1, 3), "a key that is a list or a mapping"),
        ("a: " + "[" * 5000, (None, None), "values nested too deeply"),
    ],
)
def test_invalid_yaml(
    tmp_path: Path, text: str, place: tuple[int | None, int | None], found: str
) -> None:
    problem = the_problem(tmp_path / "order.yaml", text)
    assert (problem.key, problem.found, problem.allowed) == ("(file)", found, "valid YAML")
    assert (problem.line, problem.column) == place


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [
        ('{"a": 1\n "b": 2}', (2, 2), "Expecting ',' delimiter"),
        ('{"a": NaN}', (None, None), "NaN, which is not a JSON number"),
        ("[" * 100_000, (None, None), "values nested too deeply"),
        ("[" * 5000 + "]" * 5000, (None, None), "values nested too deeply"),
        ("", (1, 1), "Expecting value"),
    ],
)
def test_invalid_json(
    tmp_path: Path, text: str, place: tuple[int | None, int | None], found: str
) -> None:
    problem = the_problem(tmp_path / "order.json", text)
    assert (problem.key, problem.found, problem.allowed) == ("(file)", found, "valid JSON")
    assert (problem.line, problem.column) == place


def test_a_control_character_is_invalid_yaml(tmp_path: Path) -> None:
    ((key, found, allowed),) = problems_of(tmp_path, "a: \x01\n")
    assert (key, allowed) == ("(file)", "valid YAML")
    assert "special characters are not allowed" in found


def test_bytes_that_are_not_utf_8(tmp_path: Path) -> None:
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
def test_a_file_that_is_not_a_mapping(tmp_path: Path, text: str, found: str) -> None:
    expected = ("(file)", found, f"a mapping with the keys {PROCEDURE_KEYS}")
    assert problems_of(tmp_path, text) == [expected]


def test_keys_written_twice(tmp_path: Path) -> None:
    text = order(
        ("shortId: score, type: integer", "shortId: score, type: integer, type: text"),
        ("  ACTIVE: [DONE]", "  ACTIVE: [DONE]\n  NEW: [DONE]"),
    )
    assert located(tmp_path / "order.yaml", text + "startState: ACTIVE\n") == [
        (6, "attributes[score].type", "the same key as in line 6"),
        (16, "stategraph.NEW", "the same key as in line 14"),
        (19, "startState", "the same key as in line 11"),
    ]


def test_keys_written_twice_in_json(tmp_path: Path) -> None:
    text = json.dumps(yaml.safe_load(ORDER))
    text = text.replace('"type": "integer"', '"type": "integer",\n "type": {"type": []}')
    text = text.replace('"kind": "work"', '"kind": "work", "kind":\n "work"')
    assert located(tmp_path / "order.json", text) == [
        (2, "attributes[score].type", "the same key as in line 1"),
        (2, "states[ACTIVE].kind", "the same key as in line 2"),
    ]


def the_problem(path: Path, text: str) -> Problem:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as raised:
        load_procedure_files([path])
    (problem,) = raised.value.problems
    return problem


def located(path: Path, text: str) -> list[tuple[int | None, str, str]]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as raised:
        load_procedure_files([path])
    return [(problem.line, problem.key, problem.found) for problem in raised.value.problems]
