"""Computing derived attributes: formulas, rollups over children and scripts, for every process.

Which attributes there are and what they read is planned in `schemas/derivations.py`. Values are as
at the build, so they are computed anew with it; only what scripts gave is kept (`scripts.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
from sqlglot import exp

from schemas.attribute_values import Value, values_of
from schemas.definitions import Procedure, Procedures
from schemas.derivations import AGGREGATED, Derivation, Plan
from transforms.attributes import options_only
from transforms.derived_tables import base_table, call, derived_table
from transforms.scripts import ScriptRunner

_LARGEST_SUMMAND = "1e20"  # 10^8 of them still fit a DECIMAL(38,9)


class Deriver:
    """Computes the derived attributes of all procedures; the `<shortId>_base` views must be bound.

    The tables `<shortId>_derived` (process_id, one column per computed attribute, `failed`: the
    shortIds of those that could not be computed) go to the schema `core` of `catalog`.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, plan: Plan, *, catalog: str) -> None:
        self._con = con
        self._plan = plan
        self._catalog = catalog
        self._scripts = ScriptRunner(con, catalog=catalog)
        self._now: dict[str, str] = {}  # the table with what is known so far, by procedure
        self._n_tables = 0

    def derive(self, procedures: Procedures) -> None:
        """Compute everything, each attribute after those it reads."""
        children = {d.child for d in self._plan.derivations}
        for procedure in procedures:
            if self._plan.of(procedure.short_id) or procedure.short_id in children:
                self._start(procedure)
        waiting = list(self._plan.derivations)
        while waiting:
            stage = self._next_stage(waiting)
            waiting = [d for d in waiting if d not in stage]
            first = stage[0]
            if first.script:
                self._apply_script(first)
            elif first.attribute.rollup:
                self._apply_rollup(first)
            else:
                self._apply_formulas(stage)
        for procedure in procedures:
            if self._plan.of(procedure.short_id):
                self._store(procedure)
        for name in self._now.values():
            self._con.execute(f'drop table temp."{name}"')

    def _next_stage(self, waiting: Sequence[Derivation]) -> list[Derivation]:
        """The first that waits; if it is a formula, with all formulas that can go along."""
        first = waiting[0]
        if not first.attribute.formula:
            return [first]
        nodes = {d.node for d in waiting}
        return [
            d
            for d in waiting
            if d.procedure is first.procedure and d.attribute.formula and not d.depends_on & nodes
        ]

    def _start(self, procedure: Procedure) -> None:
        """Take the given columns that are read at all, and those that join children."""
        mine = self._plan.of(procedure.short_id)
        read = {name for d in mine for name in d.reads}
        for other in self._plan.derivations:
            if other.child == procedure.short_id:
                read |= {*other.child_reads}
        computed = {d.column for d in procedure.derived_attributes if d.is_computed}
        query = exp.select("b.process_id", "b.parent_process_id", "b.outcome")
        records = {f"record.{a.short_id}": a.column for a in procedure.record_attributes}
        for name in sorted(read - computed - {"process_id", "parent_process_id", "outcome"}):
            table = "t" if name == "as_of" else "b"
            column = exp.column(records.get(name, name), table, quoted=True)
            query.select(exp.alias_(column, name, quoted=True), copy=False)
        base = exp.alias_(exp.to_table(base_table(procedure)), "b", table=True)
        build = exp.alias_(exp.to_table("build"), "t", table=True)
        query = query.from_(base).join(build, join_type="cross")
        self._become(procedure, query)

    def _apply_formulas(self, stage: Sequence[Derivation]) -> None:
        """Compute formulas that do not read one another, in one pass."""
        procedure = stage[0].procedure
        checked = exp.select("*").from_(self._table(procedure))
        for derivation in stage:
            assert derivation.value
            name = f"checked {derivation.attribute.column}"
            checked.select(exp.alias_(derivation.value.checked, name, quoted=True), copy=False)
        query = _without([f"checked {d.attribute.column}" for d in stage])
        for derivation in stage:
            name = exp.column(f"checked {derivation.attribute.column}", quoted=True)
            _select_value(query, derivation, name)
        self._become(procedure, query.from_(checked.subquery("checked", copy=False)))

    def _apply_rollup(self, derivation: Derivation) -> None:
        """Aggregate over the children that are not deleted.

        `count` of no children is 0, `any` false, `all` true, everything else null; nulls are left
        out. When a formula fails for one child, the whole cannot be computed.
        """
        rollup, value = derivation.attribute.rollup, derivation.value
        assert rollup
        assert value
        assert derivation.child
        kept = derivation.where.checked if derivation.where else _struct(exp.true())
        of = derivation.of.checked if derivation.of else _struct(exp.Literal.number(1))
        children = (
            exp.select("parent_process_id", "process_id")
            .select(exp.alias_(kept, "kept"), exp.alias_(of, "counted"))
            .from_(exp.to_table(self._now[derivation.child], quoted=True))
            .where("outcome <> 'deleted' and parent_process_id is not null")
        )
        counted = (
            exp.select("parent_process_id", "process_id")
            .select(
                "case when kept.v then counted.v end as v",
                "kept is null or (kept.v and counted is null) as is_failed",
            )
            .from_(children.subquery("children"))
        )
        kind = derivation.of.type if derivation.of else "BIGINT"
        aggregate, failed = _AGGREGATES.get(
            (rollup.aggregate, kind), _AGGREGATES[rollup.aggregate, ""]
        )
        sums = (
            exp.select(
                "parent_process_id",
                exp.alias_(exp.maybe_parse(aggregate, dialect="duckdb"), AGGREGATED),
                exp.alias_(exp.maybe_parse(failed, dialect="duckdb"), "is_failed"),
            )
            .from_(counted.subquery("counted"))
            .group_by("parent_process_id")
        )
        nothing = _OF_NO_CHILDREN.get(rollup.aggregate, "null")
        joined = (
            exp.select("p.*", "r.is_failed")
            .select(f"coalesce(r.{AGGREGATED}, {nothing}) as {AGGREGATED}")
            .from_(exp.alias_(self._table(derivation.procedure), "p", table=True))
            .join(sums.subquery("r"), on="r.parent_process_id = p.process_id", join_type="left")
        )
        name = f"checked {derivation.attribute.column}"
        checked = exp.Case().when("not coalesce(is_failed, false)", value.checked)
        select = _without([AGGREGATED, "is_failed"]).select(exp.alias_(checked, name, quoted=True))
        query = _without([name])
        _select_value(query, derivation, exp.column(name, quoted=True))
        source = select.from_(joined.subquery("joined")).subquery("checked")
        self._become(derivation.procedure, query.from_(source))

    def _apply_script(self, derivation: Derivation) -> None:
        values = self._scripts.run(derivation, self._now[derivation.procedure.short_id])
        query = exp.select("p.*").from_(
            exp.alias_(self._table(derivation.procedure), "p", table=True)
        )
        query = query.join(
            exp.alias_(exp.to_table(values), "s", table=True), on="s.process_id = p.process_id"
        )
        checked = exp.Case().when("not s.is_failed", _struct(exp.column("value", "s")))
        _select_value(query, derivation, checked)
        self._become(derivation.procedure, query)

    def _store(self, procedure: Procedure) -> None:
        mine = self._plan.of(procedure.short_id)
        query = exp.select("process_id").from_(self._table(procedure))
        for derivation in mine:
            query.select(exp.column(derivation.attribute.column, quoted=True), copy=False)
        failed = [
            exp.Case().when(
                exp.column(f"failed {d.attribute.column}", quoted=True),
                exp.Literal.string(d.attribute.short_id),
            )
            for d in mine
        ]
        is_there = exp.not_(exp.Is(this=exp.column("x"), expression=exp.null()))
        there = exp.Lambda(this=is_there, expressions=[exp.to_identifier("x")], colon=True)
        names = call("list_filter", exp.array(*failed), there)
        query.select(exp.alias_(names, "failed"), copy=False)
        place = f'{self._catalog}.core."{derived_table(procedure)}"'
        self._con.execute(f"create or replace table {place} as {query.sql(dialect='duckdb')}")

    def _table(self, procedure: Procedure) -> exp.Table:
        return exp.to_table(f'temp."{self._now[procedure.short_id]}"', dialect="duckdb")

    def _become(self, procedure: Procedure, query: exp.Query) -> None:
        """Let `query` be what is known of a procedure's processes from now on."""
        self._n_tables += 1
        name = f"derived {self._n_tables}"
        self._con.execute(f'create or replace temp table "{name}" as {query.sql(dialect="duckdb")}')
        before = self._now.get(procedure.short_id)
        if before:
            self._con.execute(f'drop table temp."{before}"')
        self._now[procedure.short_id] = name


# By aggregate and type: what it is, and when it cannot be computed. Floating numbers are added in
# order of the children, as their sum depends on it.
_FAILED = "bool_or(is_failed)"
_AGGREGATES: dict[tuple[str, str], tuple[str, str]] = {
    ("count", ""): ("count(v)", _FAILED),
    ("sum", "BIGINT"): (
        "try_cast(sum(v) as bigint)",
        f"{_FAILED} or (sum(v) is not null and try_cast(sum(v) as bigint) is null)",
    ),
    ("sum", "DECIMAL(38,9)"): (
        f"sum(case when abs(v) < {_LARGEST_SUMMAND} then v end)",
        f"{_FAILED} or coalesce(bool_or(abs(v) >= {_LARGEST_SUMMAND}), false)",
    ),
    ("sum", ""): (
        "sum(v order by process_id)",
        f"{_FAILED} or not coalesce(isfinite(sum(v order by process_id)), true)",
    ),
    ("avg", ""): (
        "avg(v::double order by process_id)",
        f"{_FAILED} or not coalesce(isfinite(avg(v::double order by process_id)), true)",
    ),
    ("min", ""): ("min(v)", _FAILED),
    ("max", ""): ("max(v)", _FAILED),
    ("any", ""): ("bool_or(v)", _FAILED),
    ("all", ""): ("bool_and(v)", _FAILED),
}
_OF_NO_CHILDREN = {"count": "0", "any": "false", "all": "true"}


def _select_value(query: exp.Select, derivation: Derivation, checked: exp.Expr) -> None:
    """Add the value, and whether it could not be computed, to what `query` selects.

    `checked` is a struct with the value, or null where there is none to be had. A value that is not
    among the options counts as one that cannot be computed.
    """
    column = derivation.attribute.column
    value = exp.Dot(this=exp.paren(checked), expression=exp.to_identifier("v"))
    among = options_only(_value_of(derivation), value)
    failed: exp.Expr = exp.Is(this=exp.paren(checked.copy()), expression=exp.null())
    if derivation.attribute.options:
        not_null = exp.not_(exp.Is(this=value.copy(), expression=exp.null()))
        is_other = exp.and_(not_null, exp.Is(this=exp.paren(among.copy()), expression=exp.null()))
        failed = exp.or_(failed, is_other)
    query.select(exp.alias_(among, column, quoted=True), copy=False)
    query.select(exp.alias_(failed, f"failed {column}", quoted=True), copy=False)


def _value_of(derivation: Derivation) -> Value:
    stem = f"derived:{derivation.attribute.short_id}"
    return next(v for v in values_of(derivation.procedure) if v.column == stem)


def _struct(value: exp.Expr) -> exp.Expr:
    return call("struct_pack", exp.PropertyEQ(this=exp.to_identifier("v"), expression=value))


def _without(names: Sequence[str]) -> exp.Select:
    return exp.select(exp.Star(except_=[exp.to_identifier(name, quoted=True) for name in names]))
