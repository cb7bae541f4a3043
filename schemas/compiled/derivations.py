"""Computed attributes of all procedures: dependencies checked, in evaluation order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from schemas.compiled.script_files import read_functions
from schemas.compiled.wide_table import wide_table
from schemas.definitions.attribute_types import BY_NAME
from schemas.definitions.procedure import (
    DerivedAttribute,
    Procedure,
    Procedures,
    Rollup,
    names_of_columns,
)
from schemas.formulas import Formula, FormulaProblem, compile_formula, names_in
from schemas.loading.problems import Finding, KeyPath, shown

Node = tuple[str, str]
"""A computed attribute: the shortId of its procedure, and its column."""

AGGREGATED = "aggregated"
"""The name by which `Derivation.value` of a rollup reads the aggregate."""

_NEEDS_NUMBERS = ("sum", "avg")
_NEEDS_TRUTH = ("any", "all")
_NUMBERS = ("BIGINT", "DOUBLE", "DECIMAL(38,9)")


@dataclass(frozen=True)
class Script:
    """A Python function of one file; `sha256` is that of the file's text."""

    path: Path
    function: str
    sha256: str


@dataclass(frozen=True)
class Derivation:
    """One computed attribute, ready to be computed.

    A formula has `value`. A rollup has `child` (the shortId of the children's procedure),
    `where` and `of` over a child's columns, and a `value` that brings the aggregate to the declared
    type. A script has `script`. `reads` are the
    columns it reads of its own procedure, `child_reads` those of a child.
    """

    procedure: Procedure
    attribute: DerivedAttribute
    value: Formula | None = None
    of: Formula | None = None
    where: Formula | None = None
    script: Script | None = None
    child: str | None = None
    reads: tuple[str, ...] = ()

    @property
    def node(self) -> Node:
        return self.procedure.short_id, self.attribute.column

    @cached_property
    def child_reads(self) -> tuple[str, ...]:
        formulas = [formula for formula in (self.of, self.where) if formula]
        return tuple(sorted({name for formula in formulas for name in formula.reads}))

    @property
    def depends_on(self) -> frozenset[Node]:
        """What it reads, as nodes; columns that are not computed are among them."""
        own = {(self.procedure.short_id, name) for name in self.reads}
        return frozenset(own | {(self.child or "", name) for name in self.child_reads})


@dataclass(frozen=True)
class Plan:
    """The computed attributes of all procedures, each after those it reads."""

    derivations: tuple[Derivation, ...]

    def of(self, procedure: str) -> list[Derivation]:
        """Those of one procedure (shortId)."""
        return [d for d in self.derivations if d.procedure.short_id == procedure]


def given_columns(procedure: Procedure) -> dict[str, str]:
    """The columns a formula may read that are not computed: name -> DuckDB type.

    They are those of the wide table and `as_of`, the instant of the build.
    """
    computed = {d.column for d in procedure.derived_attributes if d.is_computed}
    columns = {c.name: c.type for c in wide_table(procedure).columns if c.name not in computed}
    columns |= {
        f"record.{a.short_id}": columns[a.column]
        for a in procedure.record_attributes
        if a.column in columns
    }
    return {**columns, "as_of": "TIMESTAMP"}


def plan_derivations(procedures: Procedures) -> Plan:
    """The plan for procedures that have been checked; raises `ValueError` for others."""
    plan, findings = check_derivations(procedures)
    if findings:
        procedure, finding = findings[0]
        raise ValueError(f"{procedure}: {finding.found}")
    return plan


def check_derivations(procedures: Procedures) -> tuple[Plan, list[tuple[str, Finding]]]:
    """The plan, and what is wrong with computed attributes, by the procedure's shortId."""
    checker = _Checker(procedures)
    found: list[Derivation] = []
    for procedure in procedures:
        for position, attribute in enumerate(procedure.derived_attributes):
            derivation = checker.derivation(procedure, position, attribute)
            if derivation:
                found.append(derivation)
    ordered = list(checker.in_order(found))
    return Plan(tuple(ordered)), checker.findings


class _Scope(NamedTuple):
    """The columns that a formula may read, with their types, and further names of columns."""

    columns: Mapping[str, str]
    names: Mapping[str, str]


class _Checker:
    def __init__(self, procedures: Procedures) -> None:
        self._procedures = procedures
        self.findings: list[tuple[str, Finding]] = []
        self._scopes = {p.short_id: _scope(p) for p in procedures}

    def derivation(
        self, procedure: Procedure, position: int, attribute: DerivedAttribute
    ) -> Derivation | None:
        path = ("derivedAttributes", position)
        before = len(self.findings)
        kinds = [k for k in ("formula", "rollup", "script") if getattr(attribute, k) is not None]
        if len(kinds) > 1:
            allowed = "one of formula, rollup and script"
            self._report(procedure, (*path, kinds[1]), f"{' and '.join(kinds)} together", allowed)
        elif attribute.reads and not attribute.script:
            self._report(procedure, (*path, "reads"), "columns to read", "only beside a script")
        made = None
        if attribute.formula:
            made = self._by_formula(procedure, path, attribute, attribute.formula)
        elif attribute.rollup:
            made = self._by_rollup(procedure, path, attribute, attribute.rollup)
        elif attribute.script:
            made = self._by_script(procedure, path, attribute, attribute.script)
        return made if len(self.findings) == before else None

    def _by_formula(
        self, procedure: Procedure, path: KeyPath, attribute: DerivedAttribute, text: str
    ) -> Derivation | None:
        scope = _readable(self._scopes[procedure.short_id], attribute, text)
        value = self._compiled(procedure, (*path, "formula"), text, scope, _type(attribute))
        reads = tuple(sorted(value.reads)) if value else ()
        return Derivation(procedure, attribute, value=value, reads=reads)

    def _by_rollup(
        self, procedure: Procedure, path: KeyPath, attribute: DerivedAttribute, rollup: Rollup
    ) -> Derivation | None:
        here = (*path, "rollup")
        known = self._procedures.by_id.get(rollup.procedure.lower())
        child = known.short_id if known else rollup.procedure
        scope = self._scopes.get(child)
        if scope is None:
            allowed = f"the shortId or id of a procedure ({', '.join(self._scopes)})"
            self._report(procedure, (*here, "procedure"), shown(rollup.procedure), allowed)
            return None
        where = of = None
        if rollup.where:
            where = self._compiled(procedure, (*here, "where"), rollup.where, scope, "BOOLEAN")
        if rollup.of:
            truth = "BOOLEAN" if rollup.aggregate in _NEEDS_TRUTH else None
            of = self._compiled(procedure, (*here, "of"), rollup.of, scope, truth)
        elif rollup.aggregate != "count":
            self._report(procedure, here, f"{rollup.aggregate} of nothing", "the key `of`")
        if of and rollup.aggregate in _NEEDS_NUMBERS and of.type not in _NUMBERS:
            self._report(procedure, (*here, "of"), f"a formula that gives {of.type}", "a number")
        kind = _aggregate_type(rollup, of)
        value = self._compiled(
            procedure, (*path, "type"), AGGREGATED, _Scope({AGGREGATED: kind}, {}), _type(attribute)
        )
        return Derivation(procedure, attribute, value=value, of=of, where=where, child=child)

    def _by_script(
        self, procedure: Procedure, path: KeyPath, attribute: DerivedAttribute, place: str
    ) -> Derivation | None:
        columns = self._scopes[procedure.short_id].columns
        for position, name in enumerate(attribute.reads):
            if name not in columns:
                allowed = "a column of the wide table, or as_of"
                self._report(procedure, (*path, "reads", position), shown(name), allowed)
        if not attribute.reads:
            self._report(procedure, path, "a script without `reads`", "the columns it reads")
        file, function = place.split(":")
        script = Path(self._procedures.sources.get(procedure.short_id, "")).parent / file
        try:
            text, functions = read_functions(script)
        except (OSError, SyntaxError, ValueError) as error:
            reason = getattr(error, "strerror", None) or getattr(error, "msg", str(error))
            self._report(procedure, (*path, "script"), f"{file}: {reason}", "a Python file")
            return None
        if function not in functions:
            found = f"{file} without a function {function}"
            self._report(procedure, (*path, "script"), found, "a function of the file")
        made = Script(script, function, hashlib.sha256(text).hexdigest())
        reads = tuple(dict.fromkeys(attribute.reads))
        return Derivation(procedure, attribute, script=made, reads=reads)

    def in_order(self, derivations: list[Derivation]) -> Iterator[Derivation]:
        """Each after those it reads; those in a circle are reported and left out."""
        by_node = {d.node: d for d in derivations}
        waiting = dict(by_node)
        while waiting:
            ready = [d for d in waiting.values() if not d.depends_on & waiting.keys()]
            if not ready:
                self._report_circle(waiting)
                return
            for derivation in ready:
                del waiting[derivation.node]
            yield from ready

    def _report_circle(self, waiting: Mapping[Node, Derivation]) -> None:
        # Every one that waits, waits for another: following them must come back somewhere.
        way = [min(waiting)]
        while way[-1] not in way[:-1]:
            way.append(min(waiting[way[-1]].depends_on & waiting.keys()))
        circle = way[way.index(way[-1]) :]
        owner = waiting[circle[0]]
        position = owner.procedure.derived_attributes.index(owner.attribute)
        names = " > ".join(f"{procedure}.{column}" for procedure, column in circle)
        allowed = "attributes that do not follow from themselves"
        self._report(
            owner.procedure, ("derivedAttributes", position), f"a circle: {names}", allowed
        )

    def _compiled(
        self,
        procedure: Procedure,
        path: KeyPath,
        text: str,
        scope: _Scope,
        expects: str | None,
    ) -> Formula | None:
        try:
            return compile_formula(text, scope.columns, names=scope.names, expects=expects)
        except FormulaProblem as problem:
            self._report(procedure, path, problem.found, problem.allowed)
            return None

    def _report(self, procedure: Procedure, path: KeyPath, found: str, allowed: str) -> None:
        self.findings.append((procedure.short_id, Finding(path, found, allowed)))


def _scope(procedure: Procedure) -> _Scope:
    computed = {d.column: _type(d) for d in procedure.derived_attributes if d.is_computed}
    return _Scope(given_columns(procedure) | computed, names_of_columns(procedure))


def _readable(scope: _Scope, attribute: DerivedAttribute, text: str) -> _Scope:
    """The scope without the attribute's own column, so that no message suggests it. A formula that
    reads itself keeps it: that is reported as a circle.
    """
    own = attribute.column
    try:
        read = {name.lower() for name in names_in(text)}
        reads_itself = not read.isdisjoint({own.lower(), attribute.short_id.lower()})
    except FormulaProblem:
        return scope
    if reads_itself:
        return scope
    others = {name: kind for name, kind in scope.columns.items() if name != own}
    return _Scope(others, scope.names)


def _type(attribute: DerivedAttribute) -> str:
    return BY_NAME[attribute.type].sql_type


def _aggregate_type(rollup: Rollup, of: Formula | None) -> str:
    match rollup.aggregate:
        case "count":
            return "BIGINT"
        case "any" | "all":
            return "BOOLEAN"
        case "avg":
            return "DOUBLE"
        case _:
            return of.type if of else "BIGINT"
