"""Computed attributes inherit the privacy of what they read; personal values make no groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.compiled.wide_table import built_tables, wide_table
from schemas.load import load_procedure_files
from tests.support.order_definition import ID, ORDER, order, problems_of

ALLOWED = (
    "an attribute without personal data, as its values are published (declare `personal: no` if "
    "they say nothing about a person, or `publish: key` for a breakdown by keys)"
)
ATTRIBUTES = f"""\
  - {{id: {ID}31, shortId: mail, type: email}}
  - {{id: {ID}32, shortId: note, type: text}}
  - {{id: {ID}33, shortId: label, type: text, personal: no}}
recordAttributes:
  - {{id: {ID}34, shortId: owner, type: name}}
derivedAttributes:
"""
SCRIPT = "def first(frame):\n    return frame[frame.columns[0]]\n"


def levels(tmp_path: Path, *derived: str, children: tuple[str, ...] = ()) -> dict[str, str]:
    """The levels of derived attributes of `order`, whose children `item` derive `children`."""
    (tmp_path / "s.py").write_text(SCRIPT)
    paths: list[Path] = []
    for name, digits, mine in (("order", "4", derived), ("item", "5", children)):
        lines = "\n".join(
            f"  - {{id: {ID}{digits}{n}, {attribute}}}" for n, attribute in enumerate(mine)
        )
        text = order(
            ("shortId: order", f"shortId: {name}"),
            (f"id: {ID}01", f"id: {ID}{digits}9"),
            ("states:\n", f"{ATTRIBUTES}{lines or '  []'}\nstates:\n"),
        )
        paths.append(tmp_path / f"{name}.yaml")
        paths[-1].write_text(text)
    procedure = load_procedure_files(paths).by_short_id["order"]
    by_column = {column.name: column.personal for column in wide_table(procedure).columns}
    for attribute in procedure.derived_attributes:
        assert by_column[attribute.column] == attribute.privacy
    return {a.short_id: a.privacy for a in procedure.derived_attributes}


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("type: string, formula: lower(mail)", "direct"),
        ("type: boolean, formula: mail is null", "direct"),
        ("type: string, formula: upper(note)", "indirect"),
        ("type: string, formula: 'coalesce(note, mail)'", "direct"),
        ("type: string, formula: upper(label)", "no"),
        ("type: integer, formula: score * 2", "no"),
        ("type: string, formula: record.owner", "direct"),
        ("type: string, formula: assigned_to_name", "direct"),
        ("type: string, formula: lower(mail), personal: no", "no"),
        ("type: string, formula: lower(mail), personal: indirect", "indirect"),
        ("type: email, formula: label", "direct"),
        ("type: string, script: 's.py:first', reads: [score, note]", "indirect"),
        ("type: integer, rollup: {procedure: item, aggregate: count}", "no"),
        ("type: string, rollup: {procedure: item, aggregate: max, of: mail}", "direct"),
        (
            "type: integer, rollup: {procedure: item, aggregate: count, where: note is null}",
            "indirect",
        ),
        ("type: string, rollup: {procedure: item, aggregate: max, of: label}", "no"),
        ("type: string", "no"),
    ],
)
def test_a_computed_attribute_is_as_personal_as_what_it_reads(
    tmp_path: Path, attribute: str, expected: str
) -> None:
    assert levels(tmp_path, f"shortId: d, {attribute}") == {"d": expected}


def test_levels_go_through_chains_in_any_order(tmp_path: Path) -> None:
    found = levels(
        tmp_path,
        "shortId: c, type: string, formula: b",
        "shortId: b, type: string, formula: upper(a)",
        "shortId: a, type: string, rollup: {procedure: item, aggregate: min, of: x}",
        "shortId: cut, type: integer, formula: length(a), personal: no",
        "shortId: after_cut, type: integer, formula: cut + 1",
        children=("shortId: x, type: string, formula: trim(mail)",),
    )
    assert found == {"c": "direct", "b": "direct", "a": "direct", "cut": "no", "after_cut": "no"}


@pytest.mark.parametrize(
    ("attribute", "level"),
    [
        ("type: email", "personal data"),
        ("type: text", "possibly personal data"),
        ("type: string, personal: direct", "personal data"),
    ],
)
def test_groups_by_personal_attributes_are_refused(
    tmp_path: Path, attribute: str, level: str
) -> None:
    text = order(
        ("shortId: score, type: integer", f"shortId: score, {attribute}"),
        ("within: 7d}", "within: 7d, breakdowns: [number, score, {attribute: score, at: now}]}"),
    )
    found = f"'score', an attribute whose values are {level}"
    assert problems_of(tmp_path, f"{text}compareBy: [score, number]\n") == [
        ("compareBy[0]", found, ALLOWED),
        ("funnels[all].breakdowns[1]", found, ALLOWED),
        ("funnels[all].breakdowns[2]", found, ALLOWED),
    ]


@pytest.mark.parametrize("publish", ["clear", "key"])
@pytest.mark.parametrize("personal", ["direct", "indirect"])
def test_groups_by_personal_attributes_may_be_published(
    tmp_path: Path, personal: str, publish: str
) -> None:
    declared = f"shortId: score, type: string, personal: {personal}, publish: {publish}"
    text = order(
        ("shortId: score, type: integer", declared),
        ("within: 7d}", "within: 7d, breakdowns: [score]}"),
    )
    path = tmp_path / "order.yaml"
    path.write_text(f"{text}compareBy: [score]\n")
    (procedure,) = load_procedure_files([path])
    (_, score) = procedure.attributes
    assert (score.privacy, score.published_as) == (personal, publish)


def test_groups_by_attributes_that_are_not_published_are_refused(tmp_path: Path) -> None:
    declared = "shortId: score, type: integer, publish: drop"
    text = order(("shortId: score, type: integer", declared))
    assert problems_of(tmp_path, f"{text}compareBy: [score]\n") == [
        (
            "compareBy[0]",
            "'score', an attribute with `publish: drop`",
            "an attribute whose values are published, in clear or as keys (`publish: key`)",
        )
    ]


def test_an_unknown_way_to_publish_is_refused(tmp_path: Path) -> None:
    text = order(("shortId: score, type: integer", "shortId: score, type: integer, publish: hash"))
    assert problems_of(tmp_path, text) == [
        ("attributes[score].publish", "'hash'", "one of clear, key, drop")
    ]


def test_tables_of_many_attributes_are_as_personal_as_their_values(tmp_path: Path) -> None:
    path = tmp_path / "order.yaml"
    declared = "shortId: score, type: integer, publish: key, track: true"
    tracked = ORDER.replace("shortId: score, type: integer", declared)
    path.write_text(f"{tracked}compareBy: [number]\n")
    tables = {table.name: table for table in built_tables(load_procedure_files([path]))}
    levels = {
        name: {column.personal for column in tables[name].columns if column.of_attribute}
        for name in (
            "attribute_changes",
            "attribute_spells",
            "funnel_breakdowns",
            "outcome_curves_by",
        )
    }
    assert levels == {
        "attribute_changes": {"direct"},
        "attribute_spells": {"direct"},
        "funnel_breakdowns": {"no"},
        "outcome_curves_by": {"no"},
    }


def test_declared_levels_of_given_attributes_stand(tmp_path: Path) -> None:
    path = tmp_path / "order.yaml"
    path.write_text(ORDER.replace("type: integer", "type: integer, personal: indirect"))
    (procedure,) = load_procedure_files([path])
    assert {a.short_id: a.privacy for a in procedure.attributes} == {
        "number": "no",
        "score": "indirect",
    }
