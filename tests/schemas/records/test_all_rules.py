"""The list of all rules."""

from pipelines.settings import PROCEDURES_FOLDER
from schemas.load import load_procedures
from schemas.records.all_rules import FILE_RULES, HISTORY_RULES, all_rules


def test_every_rule_has_one_meaning_for_a_procedure() -> None:
    rules = all_rules(load_procedures(PROCEDURES_FOLDER))
    assert len({(rule.id, procedure) for rule, procedure in rules}) == len(rules)
    by_procedure = {procedure for _, procedure in rules}
    assert by_procedure == {None, "lead", "ticket"}
    for rule, procedure in rules:
        assert rule.sentence.endswith(".")
        assert rule.severity in ("reject", "null", "flag")
        is_of_values = rule.id.startswith(("attr:", "derived:", "record:"))
        assert (procedure is None) != is_of_values or "*" in rule.id
    assert {rule.severity for rule in FILE_RULES} == {"reject"}
    assert {rule.severity for rule in HISTORY_RULES} == {"flag"}
