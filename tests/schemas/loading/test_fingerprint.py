"""The fingerprint of definitions: what changes it and what does not.

What a definition becomes does not belong here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.definitions.procedure import Procedures
from schemas.load import load_procedure_files
from tests.support.order_definition import ID, ORDER, load, order


def _fingerprint(folder: Path, text: str, name: str = "order.yaml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_procedure_files([path]).fingerprint


@pytest.mark.parametrize(
    "same",
    [
        ("within: 7d", "within: 1w"),
        ("shortId: order", "# a comment\nname: order\nshortId: order"),
        ("  NEW: [ACTIVE]\n  ACTIVE: [DONE]", "  ACTIVE: [DONE]\n  NEW: [ACTIVE]\n  DONE: []"),
        ("steps: [NEW, DONE]", f"steps: [{{name: NEW, states: [{ID}21]}}, DONE]"),
        ("startState: NEW\n", f"startState: {ID}21\ntimezone: UTC\nstrict: false\n"),
    ],
)
def test_the_fingerprint_ignores_how_it_is_written(tmp_path: Path, same: tuple[str, str]) -> None:
    changed = _fingerprint(tmp_path, order(same), "other.yml")
    assert changed == _fingerprint(tmp_path, ORDER)
    assert len(changed) == 64
    assert set(changed) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "other",
    [
        ("within: 7d", "within: 8d"),
        ("within: 7d", "within: null"),
        ("shortId: order", "shortId: order2"),
        ("type: integer", "type: number"),
        ("type: integer", "type: integer, track: true"),
        ("type: integer", "type: integer, personal: false"),
        ("kind: work", "kind: queue"),
        ("ACTIVE: [DONE]", "ACTIVE: [DONE, NEW]"),
        ("startState: NEW", "startState: NEW\ntimezone: Asia/Tokyo"),
        ("startState: NEW", "startState: NEW\nstrict: true"),
    ],
)
def test_the_fingerprint_sees_every_change(tmp_path: Path, other: tuple[str, str]) -> None:
    assert _fingerprint(tmp_path, order(other)) != _fingerprint(tmp_path, ORDER)


def test_the_order_of_states_is_their_rank_and_counts(tmp_path: Path) -> None:
    lines = ORDER.splitlines(keepends=True)
    new = next(line for line in lines if "shortId: NEW" in line)
    active = next(line for line in lines if "shortId: ACTIVE" in line)
    moved = ORDER.replace(new + active, active + new)
    assert _fingerprint(tmp_path, moved) != _fingerprint(tmp_path, ORDER)


def test_the_fingerprint_ignores_the_order_of_files(tmp_path: Path) -> None:
    other = ORDER.replace("shortId: order", "shortId: another").replace(f"{ID}01", f"{ID}02")
    (tmp_path / "a.yaml").write_text(ORDER)
    (tmp_path / "b.yaml").write_text(other)
    paths = [tmp_path / "a.yaml", tmp_path / "b.yaml"]
    forth, back = load_procedure_files(paths), load_procedure_files(paths[::-1])
    assert [p.short_id for p in forth] == [p.short_id for p in back] == ["another", "order"]
    assert forth.fingerprint == back.fingerprint


def test_the_fingerprint_ignores_the_order_of_what_has_none(tmp_path: Path) -> None:
    first = load(tmp_path, ORDER)
    assert first.stategraph is not None
    turned = first.model_copy(
        update={
            "stategraph": {
                state: first.stategraph[state] for state in reversed(list(first.stategraph))
            }
        }
    )
    second = first.model_copy(update={"id": f"{ID}02", "short_id": "other"})
    forth = Procedures(procedures=(first, second), sources={"order": "a.yaml", "other": "b.yaml"})
    back = Procedures(procedures=(second, turned), sources={})
    assert forth.fingerprint == back.fingerprint
