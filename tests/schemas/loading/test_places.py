"""The line of every problem, in YAML and in JSON.

What the problems are does not belong here.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from schemas.errors import DefinitionError, Problem
from schemas.load import load_procedure_files
from schemas.loading.problems import KeyPath
from schemas.loading.syntax import read_json, read_yaml
from tests.support.order_definition import ID, ORDER

QUICKLY = settings(
    max_examples=200,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"\\{}[]:,\n\u00e9'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab{,\n"), inner),
    max_leaves=20,
)
BROKEN = f"""\
# A comment that moves everything down.
id: {ID}01
shortId: order
attributes:
  - id: {ID}11
    shortId: number
    type: stringId
  - id: {ID}12
    shortId: score
    type: intger
    colour: red
  - {{id: {ID}13, shortId: plan,
     type: stringEnum, options: [a,
       b, a]}}
  - shortId: lost
    type: text
states:
  - {{id: {ID}21, shortId: NEW, kind: queue}}
  - id: {ID}22
    shortId: ACTIVE
  -
    id: {ID}23
    shortId: DONE
    kind: finished
startState:
  NEW
completedState: OVER
stategraph:
  NEW: &next [ACTIVE,
    GONE]
  ACTIVE: *next
  ? NOW
  : [DONE]
funnels:
  - name: all
    steps:
      - NEW
      - [ACTIVE,
         OLD]
      - {{name: x}}
    within: soon
"""


def lines_of(folder: Path, text: str, name: str = "order.yaml") -> list[tuple[int | None, str]]:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as raised:
        load_procedure_files([path])
    return sorted((problem.line, problem.key) for problem in raised.value.problems)


def test_every_problem_names_its_line(tmp_path: Path) -> None:
    assert lines_of(tmp_path, BROKEN) == [
        (10, "attributes[score].type"),
        (11, "attributes[score].colour"),
        (14, "attributes[plan].options[2]"),
        (15, "attributes[lost].id"),
        (19, "states[ACTIVE].kind"),
        (24, "states[DONE].kind"),
        (27, "completedState"),
        (30, "stategraph.NEW[1]"),
        (31, "stategraph.ACTIVE[1]"),
        (32, "stategraph.NOW"),
        (39, "funnels[all].steps[1][1]"),
        (40, "funnels[all].steps[2]"),
        (41, "funnels[all].within"),
    ]


def test_json_has_the_same_problems_in_lines_of_its_own(tmp_path: Path) -> None:
    document = yaml.safe_load(BROKEN)
    text = json.dumps(document, indent=1)
    in_yaml = [key for _, key in lines_of(tmp_path, BROKEN)]
    in_json = lines_of(tmp_path, text, "order.json")
    assert sorted(key for _, key in in_json) == sorted(in_yaml)
    lines = text.split("\n")
    shown = {key: lines[line - 1].strip(" ,") for line, key in in_json if line}
    assert shown["attributes[score].type"] == '"type": "intger"'
    assert shown["attributes[score].colour"] == '"colour": "red"'
    assert shown["attributes[plan].options[2]"] == '"a"'
    assert shown["attributes[lost].id"] == "{"
    assert shown["stategraph.NEW[1]"] == '"GONE"'
    assert shown["stategraph.NOW"] == '"NOW": ['


def test_a_missing_key_of_the_whole_file_is_where_the_file_begins(tmp_path: Path) -> None:
    text = "\n# Without a name.\n" + ORDER.replace("shortId: order\n", "")
    assert lines_of(tmp_path, text) == [(3, "shortId")]
    assert lines_of(tmp_path, "\n\n- a\n") == [(3, "(file)")]
    assert lines_of(tmp_path, "") == [(None, "(file)")]


def test_a_problem_reads_like_the_error_of_a_compiler() -> None:
    found = ("attributes[score].type", "'intger'", "one of integer, text")
    rest = "attributes[score].type: found 'intger'; allowed: one of integer, text"
    assert str(Problem("lead.yaml", *found, line=31)) == f"lead.yaml:31: {rest}"
    assert str(Problem("lead.yaml", *found)) == f"lead.yaml: {rest}"
    assert str(Problem("lead.yaml", "(file)", "a", "b", 3, 7)) == (
        "lead.yaml:3:7: (file): found a; allowed: b"
    )


def marked(document: object, path: KeyPath = ()) -> dict[KeyPath, object]:
    """Every part of a document by its path, the slow way."""
    parts: dict[KeyPath, object] = {path: document}
    if isinstance(document, dict):
        for key, value in document.items():
            parts |= marked(value, (*path, key))
    elif isinstance(document, list):
        for number, value in enumerate(document):
            parts |= marked(value, (*path, number))
    return parts


@QUICKLY
@given(document=DOCUMENTS, indent=st.sampled_from([None, 0, 2]))
def test_every_part_of_a_json_text_is_found_where_it_stands(
    document: object, indent: int | None
) -> None:
    text = json.dumps(document, indent=indent)
    content = read_json(text)
    assert content.document == document
    expected = marked(document)
    assert content.places.by_path.keys() == expected.keys()
    lines = text.split("\n")
    for path, (line, column) in content.places.by_path.items():
        is_member = bool(path) and isinstance(path[-1], str)
        shown = json.dumps(path[-1] if is_member else expected[path], indent=indent)
        assert lines[line - 1][column - 1 :].startswith(shown.partition("\n")[0])


@QUICKLY
@given(document=DOCUMENTS, is_flow=st.booleans())
def test_yaml_places_are_those_of_keys_and_entries(document: object, is_flow: bool) -> None:
    text = yaml.safe_dump(document, default_flow_style=is_flow, default_style='"', width=10**9)
    content = read_yaml(text)
    paths = marked(content.document).keys()
    # A collection that stands twice is an alias: inside it the first place counts.
    assert content.places.by_path.keys() <= paths
    lines = text.split("\n")
    for path, (line, column) in content.places.by_path.items():
        if path and isinstance(path[-1], str) and path[-1].isalpha():
            assert lines[line - 1][column - 1 :].lstrip("? ").startswith(f'"{path[-1]}"')
