"""Computed attributes are as personal as what they are computed from, unless declared otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from schemas.compiled.derivations import Node, Plan
from schemas.compiled.wide_table import wide_table
from schemas.definitions.procedure import DerivedAttribute, Procedure, Procedures
from schemas.loading.problems import Finding, KeyPath, shown
from schemas.privacy import Privacy, strictest


def inherit_privacy(procedures: Procedures, plan: Plan) -> Procedures:
    """The procedures, each computed attribute with the strictest level of what it reads.

    That goes for formulas, the conditions and values of rollups, and what scripts read. A count of
    children says nothing about a person.
    """
    levels: dict[Node, Privacy] = {n: level for p in procedures for n, level in _given(p)}
    none: Privacy = "no"
    inherited: dict[Node, Privacy] = {}
    for derivation in plan.derivations:
        level = strictest([levels.get(node, none) for node in derivation.depends_on])
        inherited[derivation.node] = level
        levels[derivation.node] = derivation.attribute.computed_from(level).privacy
    return replace(
        procedures, procedures=tuple(_with_levels(p, inherited) for p in procedures.procedures)
    )


def check_privacy(procedures: Procedures) -> list[tuple[str, Finding]]:
    """Breakdowns by attributes whose values are not published, or personal and not said to be; by
    shortId.
    """
    return [(p.short_id, finding) for p in procedures for finding in _personal_groups(p)]


def _given(procedure: Procedure) -> Iterator[tuple[Node, Privacy]]:
    """The levels of the columns that formulas may read."""
    name = procedure.short_id
    for column in wide_table(procedure).columns:
        yield (name, column.name), column.personal
    for attribute in procedure.record_attributes:
        yield (name, f"record.{attribute.short_id}"), attribute.privacy


def _with_levels(procedure: Procedure, inherited: dict[Node, Privacy]) -> Procedure:
    def leveled(attribute: DerivedAttribute) -> DerivedAttribute:
        return attribute.computed_from(inherited.get((procedure.short_id, attribute.column), "no"))

    attributes = tuple(leveled(attribute) for attribute in procedure.derived_attributes)
    return procedure.model_copy(update={"derived_attributes": attributes})


def _personal_groups(procedure: Procedure) -> Iterator[Finding]:
    attributes = {attribute.short_id: attribute for attribute in procedure.attributes}
    groups: list[tuple[KeyPath, str]] = [
        (("compareBy", position), name) for position, name in enumerate(procedure.compare_by)
    ]
    for number, funnel in enumerate(procedure.funnels):
        groups += [
            (("funnels", number, "breakdowns", position), breakdown.attribute)
            for position, breakdown in enumerate(funnel.breakdowns)
        ]
    for path, name in groups:
        attribute = attributes.get(name)
        if attribute is None:
            continue
        if attribute.publish == "drop":
            yield Finding(
                path,
                f"{shown(name)}, an attribute with `publish: drop`",
                "an attribute whose values are published, in clear or as keys (`publish: key`)",
            )
        elif attribute.privacy != "no" and attribute.publish is None:
            yield Finding(
                path,
                f"{shown(name)}, an attribute whose values are {_WORDS[attribute.privacy]}",
                "an attribute without personal data, as its values are published (declare "
                "`personal: no` if they say nothing about a person, or `publish: key` for a "
                "breakdown by keys)",
            )


_WORDS = {"direct": "personal data", "indirect": "possibly personal data"}
