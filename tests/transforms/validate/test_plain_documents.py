"""Which definitions have a pattern of plain documents."""

from __future__ import annotations

import pytest

from schemas.definitions.procedure import Attribute, Procedure, State
from tests.support.identifiers import uid
from transforms.validate.plain_documents import plain_documents


def procedure(*aliases: tuple[str, ...]) -> Procedure:
    return Procedure(
        id=uid("order"),
        short_id="order",
        attributes=tuple(
            Attribute(id=uid(f"a{n}"), short_id=f"a{n}", type="string", aliases=keys)
            for n, keys in enumerate(aliases)
        ),
        states=(State(id=uid("NEW"), short_id="NEW", kind="queue"),),
        start_state="NEW",
        completed_state="NEW",
    )


def test_keys_may_be_any_text() -> None:
    assert plain_documents(procedure(("old", " ", "'\"\\ü"), ())) is not None


@pytest.mark.parametrize(
    "aliases",
    [
        [("",)],  # DuckDB's structures have no empty keys
        [("same",), ("same",)],
        [("A1",), ()],  # the shortId of the other one in capitals
        [(uid("x").upper(),)],
    ],
)
def test_without_a_pattern_all_lines_are_validated(aliases: list[tuple[str, ...]]) -> None:
    assert plain_documents(procedure(*aliases)) is None
