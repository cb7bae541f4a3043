"""Computes derived attributes: formulas, rollups over children and scripts, for every process.

Every build evaluates them as of its instant; only the results of scripts are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from schemas.compiled.derivations import AGGREGATED, Derivation, Plan
from schemas.definitions.procedure import Procedure, Procedures
from schemas.formulas import Formula
from schemas.records.attribute_values import Value, values_of
from schemas.sql_text import listed, literal, quoted
from transforms.derive.scripts import ScriptRunner
from transforms.per_procedure.attributes import options_only
from transforms.per_procedure.derived_tables import base_table, derived_table

_MAX_SUMMAND = "1e20"  # 10^8 of them still fit a DECIMAL(38,9)

_FORMULAS = """\
select * exclude ({checked_names}), {values}
from (select *, {checked} from {processes}) as checked"""

_ROLLUP = """\
with children as (
    select parent_process_id, process_id, {kept} as kept, {of} as counted
    from {children}
    where outcome <> 'deleted' and parent_process_id is not null
),

counted as (
    select
        parent_process_id,
        process_id,
        case when kept.v then counted.v end as v,
        kept is null or (kept.v and counted is null) as is_failed
    from children
),

sums as (
    select parent_process_id, {aggregate} as {aggregated}, {failed} as is_failed
    from counted
    group by parent_process_id
),

joined as (
    select p.*, r.is_failed, coalesce(r.{aggregated}, {of_no_children}) as {aggregated}
    from {processes} as p
    left join sums as r on r.parent_process_id = p.process_id
),

checked as (
    select
        * exclude ({aggregated}, is_failed),
        case when not coalesce(is_failed, false) then {checked} end as {checked_name}
    from joined
)

select * exclude ({checked_name}), {value}
from checked"""

_SCRIPT = """\
select p.*, {value}
from {processes} as p
inner join {values} as s on s.process_id = p.process_id"""


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
            self._con.execute(f"drop table temp.{quoted(name)}")

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
        read = {name for d in self._plan.of(procedure.short_id) for name in d.reads}
        for other in self._plan.derivations:
            if other.child == procedure.short_id:
                read |= {*other.child_reads}
        computed = {d.column for d in procedure.derived_attributes if d.is_computed}
        always = ["process_id", "parent_process_id", "outcome"]
        records = {f"record.{a.short_id}": a.column for a in procedure.record_attributes}
        columns = [f"b.{name}" for name in always]
        for name in sorted(read - computed - {*always}):
            table = "t" if name == "as_of" else "b"
            columns.append(f"{table}.{quoted(records.get(name, name))} as {quoted(name)}")
        self._replace(
            procedure,
            f"select {', '.join(columns)} from {base_table(procedure)} as b cross join build as t",
        )

    def _apply_formulas(self, stage: Sequence[Derivation]) -> None:
        """Compute formulas that do not read one another, in one pass."""
        procedure = stage[0].procedure
        checked: list[str] = []
        for derivation in stage:
            assert derivation.value
            checked.append(f"{_sql(derivation.value)} as {_checked_name(derivation)}")
        query = _FORMULAS.format(
            checked_names=", ".join(map(_checked_name, stage)),
            values=listed((_value(d, _checked_name(d)) for d in stage), 4),
            checked=listed(checked, 4),
            processes=self._table(procedure),
        )
        self._replace(procedure, query)

    def _apply_rollup(self, derivation: Derivation) -> None:
        """Aggregate over the children that are not deleted.

        `count` of no children is 0, `any` false, `all` true, everything else null; nulls are left
        out. When a formula fails for one child, the whole cannot be computed.
        """
        rollup, value = derivation.attribute.rollup, derivation.value
        assert rollup
        assert value
        assert derivation.child
        kind = derivation.of.type if derivation.of else "BIGINT"
        usual = _AGGREGATES[rollup.aggregate, ""]
        aggregate, failed = _AGGREGATES.get((rollup.aggregate, kind), usual)
        query = _ROLLUP.format(
            kept=_sql(derivation.where) if derivation.where else "struct_pack(v := true)",
            of=_sql(derivation.of) if derivation.of else "struct_pack(v := 1)",
            children=f"temp.{quoted(self._now[derivation.child])}",
            aggregate=aggregate,
            failed=failed,
            aggregated=AGGREGATED,
            of_no_children=_OF_NO_CHILDREN.get(rollup.aggregate, "null"),
            processes=self._table(derivation.procedure),
            checked=_sql(value),
            checked_name=_checked_name(derivation),
            value=_value(derivation, _checked_name(derivation)),
        )
        self._replace(derivation.procedure, query)

    def _apply_script(self, derivation: Derivation) -> None:
        values = self._scripts.run(derivation, self._now[derivation.procedure.short_id])
        checked = "case when not s.is_failed then struct_pack(v := s.value) end"
        query = _SCRIPT.format(
            value=_value(derivation, checked),
            processes=self._table(derivation.procedure),
            values=values,
        )
        self._replace(derivation.procedure, query)

    def _store(self, procedure: Procedure) -> None:
        attributes = [d.attribute for d in self._plan.of(procedure.short_id)]
        failed = (
            f"case when {_failed_name(a.column)} then {literal(a.short_id)} end" for a in attributes
        )
        columns = ["process_id", *(quoted(a.column) for a in attributes)]
        columns.append(f"list_filter([{', '.join(failed)}], lambda x: x is not null) as failed")
        place = f"{self._catalog}.core.{quoted(derived_table(procedure))}"
        self._con.execute(
            f"create or replace table {place} as "
            f"select {', '.join(columns)} from {self._table(procedure)}"
        )

    def _table(self, procedure: Procedure) -> str:
        return f"temp.{quoted(self._now[procedure.short_id])}"

    def _replace(self, procedure: Procedure, query: str) -> None:
        """Replace the table of what is known of a procedure's processes by the rows of `query`."""
        self._n_tables += 1
        name = f"derived {self._n_tables}"
        self._con.execute(f"create or replace temp table {quoted(name)} as {query}")
        before = self._now.get(procedure.short_id)
        if before:
            self._con.execute(f"drop table temp.{quoted(before)}")
        self._now[procedure.short_id] = name


# By aggregate and type: the aggregate, and when it cannot be computed. Floating numbers are added
# in the order of the children, because their sum depends on it.
_FAILED = "bool_or(is_failed)"
_AGGREGATES: dict[tuple[str, str], tuple[str, str]] = {
    ("count", ""): ("count(v)", _FAILED),
    ("sum", "BIGINT"): (
        "try_cast(sum(v) as bigint)",
        f"{_FAILED} or (sum(v) is not null and try_cast(sum(v) as bigint) is null)",
    ),
    ("sum", "DECIMAL(38,9)"): (
        f"sum(case when abs(v) < {_MAX_SUMMAND} then v end)",
        f"{_FAILED} or coalesce(bool_or(abs(v) >= {_MAX_SUMMAND}), false)",
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


def _value(derivation: Derivation, checked: str) -> str:
    """Two columns: the value, and whether it could not be computed.

    `checked` is a struct with the value, or null if it could not be computed. A value that is not
    among the options counts as one that could not be computed.
    """
    column = derivation.attribute.column
    value = f"({checked}).v"
    among = options_only(_value_of(derivation), value)
    failed = f"({checked}) is null"
    if derivation.attribute.options:
        failed = f"{failed} or ({value} is not null and ({among}) is null)"
    return f"{among} as {quoted(column)}, {failed} as {_failed_name(column)}"


def _value_of(derivation: Derivation) -> Value:
    stem = f"derived:{derivation.attribute.short_id}"
    return next(v for v in values_of(derivation.procedure) if v.column == stem)


def _checked_name(derivation: Derivation) -> str:
    return quoted(f"checked {derivation.attribute.column}")


def _failed_name(column: str) -> str:
    return quoted(f"failed {column}")


def _sql(formula: Formula) -> str:
    return formula.checked.sql(dialect="duckdb")
