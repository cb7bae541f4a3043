"""A small procedure definition in YAML, ways to change it, and the words its problems come in.

Tests do not belong here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.definitions.procedure import Procedure
from schemas.errors import DefinitionError
from schemas.load import load_procedure_files

ID = "00000000-0000-4000-8000-0000000000"  # and two digits
TEXT = "text (in quotes where it looks like a number or a truth value)"
LABEL = "text that is not empty and has no leading or trailing spaces"
UUID = "a uuid such as 3024e1d6-7926-5cec-b4b7-0b0ec05ea0e7"
DURATION = "a whole number and one of s, m, h, d, w, such as 90s, 30m, 12h, 7d, 2w"
PLAIN_OPTION = "text (in quotes where it looks like something else) or a number"
ONE_FILE = "at least one .yaml, .yml or .json file"
STATE = "the shortId or id of a declared state (NEW, ACTIVE, DONE)"
ATTRIBUTE = "the shortId or id of a declared attribute (number, score)"
MEANT_NEW = "did you mean `NEW`? (NEW, ACTIVE, DONE)"
MEANT_DONE = "did you mean `DONE`? (NEW, ACTIVE, DONE)"
PROCEDURE_KEYS = (
    "id, shortId, name, entity, primaryKey, primaryIdentifier, link, track, attributes, "
    "derivedAttributes, recordAttributes, states, startState, completedState, stategraph, funnels, slas, indicators, "
    "durations, compareBy, calendar, observedSince, timezone, strict, rules"
)
ATTRIBUTE_KEYS = (
    "id, shortId, name, type, options, personal, publish, aliases, required, unique, track"
)

ORDER = f"""\
id: {ID}01
shortId: order
primaryKey: number
attributes:
  - {{id: {ID}11, shortId: number, type: stringId}}
  - {{id: {ID}12, shortId: score, type: integer}}
states:
  - {{id: {ID}21, shortId: NEW, kind: queue}}
  - {{id: {ID}22, shortId: ACTIVE, kind: work}}
  - {{id: {ID}23, shortId: DONE, kind: done}}
startState: NEW
completedState: DONE
stategraph:
  NEW: [ACTIVE]
  ACTIVE: [DONE]
funnels:
  - {{name: all, steps: [NEW, DONE], within: 7d}}
"""


def order(*replacements: tuple[str, str]) -> str:
    """The definition above with pieces of its text replaced; each must occur once."""
    text = ORDER
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def load(folder: Path, text: str, name: str = "order.yaml") -> Procedure:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    (procedure,) = load_procedure_files([path])
    return procedure


def problems_of(folder: Path, text: str, name: str = "order.yaml") -> list[tuple[str, str, str]]:
    with pytest.raises(DefinitionError) as raised:
        load(folder, text, name)
    assert {problem.file for problem in raised.value.problems} == {str(folder / name)}
    return [(p.key, p.found, p.allowed) for p in raised.value.problems]
