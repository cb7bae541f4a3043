"""Severities that a definition chooses for rules of the record."""

from pathlib import Path

import pytest

from schemas.records.all_rules import changeable_rules, levels_of
from schemas.records.record import core_rules
from tests.support.order_definition import ORDER, load, problems_of


def test_levels_are_read_as_written(tmp_path: Path) -> None:
    rules = """
rules:
  core:entity_id:missing: off
  core:completed_at:open: null
  core:cancelled_at:open: 'null'
  core:updated_at:order: reject
  graph:transition:allowed: flag
"""
    assert dict(load(tmp_path, ORDER + rules).rules) == {
        "core:entity_id:missing": "off",
        "core:completed_at:open": "null",
        "core:cancelled_at:open": "null",
        "core:updated_at:order": "reject",
        "graph:transition:allowed": "flag",
    }


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (
            "{core:completed_at:opn: off}",
            (
                "rules.core:completed_at:opn",
                "'core:completed_at:opn', not the id of a rule that can be changed",
                "did you mean `core:completed_at:open`",
            ),
        ),
        (
            "{core:status:isin: flag}",
            (
                "rules.core:status:isin",
                "'core:status:isin', not the id of a rule that can be changed",
                "",
            ),
        ),
        (
            "{core:updated_at:order: null}",
            ("rules.core:updated_at:order", "'null'", "one of reject, flag, off"),
        ),
        (
            "{core:pod_id:uuid: off}",
            ("rules.core:pod_id:uuid", "'off'", "one of reject, null"),
        ),
        (
            "{core:created_by:constant: reject}",
            ("rules.core:created_by:constant", "'reject'", "one of flag, off"),
        ),
        ("[off]", ("rules", "a list", "a mapping of rule ids to reject, null, flag or off")),
    ],
)
def test_bad_levels(tmp_path: Path, rules: str, problem: tuple[str, str, str]) -> None:
    [(path, found, allowed)] = problems_of(tmp_path, f"{ORDER}rules: {rules}\n")
    assert (path, found) == problem[:2]
    assert problem[2] in allowed


def test_what_always_rejects_cannot_be_changed() -> None:
    rules = core_rules()
    fixed = [rule.id for rule in rules if rule.severity == "reject"]
    assert fixed
    assert not changeable_rules().keys() & set(fixed)
    assert all(levels_of(rule)[0] == "reject" for rule in rules if rule.severity != "reject")
