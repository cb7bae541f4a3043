"""The tables around computed attributes: what they read, the wide table, and the comparison.

Computing the values is `derived.py`; what is given is put together in `wide.py`.
"""

from __future__ import annotations

from sqlglot import exp

from schemas.attribute_types import BY_NAME
from schemas.catalogue import wide_table
from schemas.definitions import Procedure, Procedures
from transforms.wide import attributes_table


def base_table(procedure: Procedure) -> str:
    """The view with all about a process that is not computed."""
    return f"{procedure.short_id.lower()}_base"


def derived_table(procedure: Procedure) -> str:
    """The table with the computed attributes of a procedure's processes."""
    return f"{procedure.short_id.lower()}_derived"


def has_computed(procedure: Procedure) -> bool:
    """Whether a procedure has attributes that are computed here."""
    return any(d.is_computed for d in procedure.derived_attributes)


def processes_sql(procedure: Procedure) -> str:
    """Grain: one row per process of the procedure: all that is given and all that is computed."""
    computed = {d.column for d in procedure.derived_attributes if d.is_computed}
    query = exp.select(
        *(
            exp.column(name, "d" if name in computed else "b", quoted=True)
            for name in wide_table(procedure).column_names
        )
    ).from_(exp.alias_(exp.to_table(base_table(procedure)), "b", table=True))
    if has_computed(procedure):
        derived = exp.alias_(exp.to_table(derived_table(procedure)), "d", table=True)
        query = query.join(derived, on="d.process_id = b.process_id")
    return query.sql(dialect="duckdb", pretty=True)


def comparisons_sql(procedures: Procedures) -> str:
    """Grain: one row per process and computed attribute, beside what the platform supplied.

    `differs` is null unless there are both; floating numbers may differ in the ninth digit.
    """
    query: exp.Query = exp.select(
        *(
            exp.alias_(exp.cast(exp.null(), kind), name)
            for name, kind in (
                ("process_id", "uuid"),
                ("procedure", "varchar"),
                ("attribute", "varchar"),
                ("is_personal", "boolean"),
                ("supplied", "varchar"),
                ("computed", "varchar"),
                ("differs", "boolean"),
                ("is_failed", "boolean"),
            )
        )
    ).where(exp.false())
    for procedure in procedures:
        for attribute in procedure.derived_attributes:
            if not attribute.is_computed:
                continue
            supplied = exp.column(attribute.supplied_column, "a", quoted=True)
            computed = exp.column(attribute.column, "d", quoted=True)
            name = exp.Literal.string(attribute.short_id)
            part = (
                exp.select(
                    "d.process_id",
                    exp.alias_(exp.Literal.string(procedure.short_id), "procedure"),
                    exp.alias_(name, "attribute"),
                    exp.alias_(exp.Boolean(this=attribute.is_personal), "is_personal"),
                    exp.alias_(exp.cast(supplied, "varchar"), "supplied"),
                    exp.alias_(exp.cast(computed.copy(), "varchar"), "computed"),
                    exp.alias_(_differs(attribute.type, supplied, computed), "differs"),
                    exp.alias_(call("list_contains", exp.column("failed", "d"), name), "is_failed"),
                )
                .from_(exp.alias_(exp.to_table(derived_table(procedure)), "d", table=True))
                .join(
                    exp.alias_(
                        exp.to_table(f"history_{attributes_table(procedure)}"), "a", table=True
                    ),
                    on="a.process_id = d.process_id",
                )
            )
            query = query.union(part, distinct=False)
    return query.sql(dialect="duckdb", pretty=True)


def _differs(type_: str, supplied: exp.Expr, computed: exp.Expr) -> exp.Expr:
    if BY_NAME[type_].sql_type != "DOUBLE":
        return exp.NEQ(this=supplied.copy(), expression=computed.copy())
    a, b = supplied.sql(dialect="duckdb"), computed.sql(dialect="duckdb")
    return exp.maybe_parse(f"abs({a} - {b}) > 1e-9 * (1 + abs({a}) + abs({b}))", dialect="duckdb")


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call of a function that sqlglot need not know."""
    return exp.Anonymous(this=name, expressions=list(arguments))
