"""The frame columns of attribute values."""

from __future__ import annotations

from schemas.definitions.procedure import Attribute, Procedure, State
from schemas.records.attribute_values import ignored, values_of
from schemas.records.limits import raw
from tests.support.identifiers import uid


def test_no_short_id_makes_two_columns_one() -> None:
    names = ("a", "a:raw", "raw:a", "ignored:a", "raw:attr:a")
    procedure = Procedure(
        id=uid("order"),
        short_id="order",
        attributes=tuple(Attribute(id=uid(n), short_id=n, type="string") for n in names),
        states=(State(id=uid("NEW"), short_id="NEW", kind="queue"),),
        start_state="NEW",
        completed_state="NEW",
    )
    columns = [v.column for v in values_of(procedure)]
    beside = [kind(column) for kind in (raw, ignored) for column in columns]
    assert len({*columns, *beside}) == 3 * len(names)
