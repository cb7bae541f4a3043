"""Parsed records -> accepted versions, rejected lines and violations, by the rules of `schemas/`.

Reading files and writing the result to the warehouse do not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import duckdb
import pandera.polars as pa
import polars as pl

from schemas.attribute_rules import (
    Value,
    attribute_rules,
    attribute_schema,
    raw,
    undeclared_rule,
    values_of,
)
from schemas.core_record import FIELDS, convert, core_rules, core_schema
from schemas.definitions import Procedure, Procedures
from schemas.rules import Rule, find_failures
from transforms.attributes import DOCUMENTS, read_content, undeclared_keys

MASK = "***"
_REPEATED = "file:json:repeated"
_SLICE_ROWS = 8_000  # DuckDB shares a frame out to its threads by these
_VIOLATIONS = {
    "line": pl.Int64,
    "rule": pl.String,
    "severity": pl.String,
    "column_name": pl.String,
    "value": pl.String,
}


@dataclass(frozen=True)
class Validated:
    """What became of the records of a chunk.

    `accepted`: one row per accepted version, converted, with `line`. `rejected`: one row per line,
    `line, rules, process_id, procedure` (both as they arrived). `violations`: one row per line,
    rule and column, for accepted versions only, with `process_id, procedure_id, updated_at`;
    values of personal attributes are masked.
    """

    accepted: pl.DataFrame
    rejected: pl.DataFrame
    violations: pl.DataFrame


class Validator:
    """The compiled rules of the record and of every procedure.

    `latest_ms` is the last instant a time may have (the start of the run plus one day).
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, procedures: Procedures, latest_ms: int
    ) -> None:
        self._con = con
        self._rules = core_rules(latest_ms)
        self._schema = core_schema(self._rules)
        self._states = known_states(procedures)
        self._attributes = {p.id: _Attributes.of(p) for p in procedures}

    def validate(self, records: pl.DataFrame) -> Validated:
        """Judge `records` (column `line`, and the raw columns of `core_record`)."""
        if records.is_empty():
            records = records.cast({"line": pl.Int64})
        frame = convert(records, self._states)
        failures = _with_rules(find_failures(frame, self._schema, self._rules), self._rules)
        bad_rows = failures.filter(pl.col("severity") == "reject")["row"].unique()
        frame = _nulled(frame, failures, self._rules).with_row_index("row")
        violations = [_core_violations(frame, failures)]
        rejections = [_core_rejections(frame, failures)]
        hashes: list[pl.DataFrame] = []
        good = frame.filter(~pl.col("row").is_in(bad_rows.implode()))
        for (procedure_id,), part in good.group_by("procedure_id", maintain_order=True):
            attributes = self._attributes[str(procedure_id)]
            hashed, found = attributes.judge(self._con, part.select("line", *DOCUMENTS))
            hashes.append(hashed)
            is_reject = pl.col("severity") == "reject"
            rejections.append(found.filter(is_reject).select("line", "rule"))
            violations.append(found.filter(~is_reject))
        rejected = pl.concat(rejections)
        hashed = pl.concat(hashes) if hashes else pl.DataFrame(schema=_HASHES)
        accepted = good.join(hashed, on="line", how="inner", maintain_order="left").filter(
            ~pl.col("line").is_in(rejected["line"].implode())
        )
        return Validated(
            accepted=accepted.select("line", "state_id", *_STORED, *_HASH_COLUMNS),
            rejected=_rejected_lines(frame, rejected),
            violations=pl.concat(violations)
            .join(accepted.select("line", "process_id", "procedure_id", "updated_at"), on="line")
            .sort("line", "rule", "column_name"),
        )


_STORED = [f.column for f in FIELDS if f.kind != "state"]
_HASH_COLUMNS = [f"{document}_hash" for document in DOCUMENTS]
_HASHES = {"line": pl.Int64} | dict.fromkeys(_HASH_COLUMNS, pl.UInt64)


def known_states(procedures: Iterable[Procedure]) -> pl.DataFrame:
    """One row per way of naming a state: `procedure_id, state_key, state_id`, in lower case."""
    rows = [
        (procedure.id, key.lower(), state.id)
        for procedure in procedures
        for state in procedure.states
        for key in dict.fromkeys((state.id, state.short_id))
    ]
    schema = dict.fromkeys(("procedure_id", "state_key", "state_id"), pl.String)
    return pl.DataFrame(rows, schema=schema, orient="row")


@dataclass(frozen=True)
class _Attributes:
    """The attributes of one procedure, ready to judge documents."""

    procedure: Procedure
    values: list[Value]
    rules: list[Rule]
    schema: pa.DataFrameSchema
    queries: dict[frozenset[str], str] = field(default_factory=dict[frozenset[str], str])

    @classmethod
    def of(cls, procedure: Procedure) -> _Attributes:
        rules = attribute_rules(procedure)
        return cls(procedure, values_of(procedure), rules, attribute_schema(procedure, rules))

    def judge(
        self, con: duckdb.DuckDBPyConnection, documents: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """(`line` and the fingerprints, `line` and the columns of a violation) of `documents`."""
        slices = [documents[i : i + _SLICE_ROWS] for i in range(0, documents.height, _SLICE_ROWS)]
        con.register("documents", pl.concat(slices, rechunk=False))
        try:
            present, is_strange = self._keys(con)
            content = con.sql(self._query(present)).pl()
            strange = self._strange(con) if is_strange else pl.DataFrame(schema=_VIOLATIONS)
        finally:
            con.unregister("documents")
        failures = _with_rules(find_failures(content, self.schema, self.rules), self.rules)
        found = [strange, *self._violations(content, failures)]
        return content.select("line", *_HASH_COLUMNS), pl.concat(found)

    def _query(self, present: frozenset[str]) -> str:
        # Building the query takes as long as running it on a small file: most chunks share it.
        if present not in self.queries:
            query = read_content(
                self.values,
                source="documents",
                keep=["line"],
                time_zone=self.procedure.timezone,
                present=present,
            )
            self.queries[present] = query.sql(dialect="duckdb")
        return self.queries[present]

    def _keys(self, con: duckdb.DuckDBPyConnection) -> tuple[frozenset[str], bool]:
        """The keys that occur, and whether there is one that is undeclared or stands twice."""
        query = "select distinct json_keys(data), json_keys(derived_data) from documents"
        kinds = con.sql(query).fetchall()
        present = frozenset(key for kind in kinds for keys in kind for key in keys)
        known = [
            {key for v in self.values if v.source == document for key in (v.id, v.short_id)}
            for document in DOCUMENTS
        ]
        is_strange = any(
            len(set(keys)) < len(keys) or not known[position].issuperset(keys)
            for kind in kinds
            for position, keys in enumerate(kind)
        )
        return present, is_strange

    def _strange(self, con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
        """Violations for undeclared keys, and rejections for keys that stand twice."""
        found: list[pl.DataFrame] = []
        for document in DOCUMENTS:
            undeclared = undeclared_keys(self.values, document).sql(dialect="duckdb")
            rule = undeclared_rule(document)
            query = f"""
                select line, $rule as rule, $severity as severity, column_name, $mask as value
                from (select distinct line, unnest({undeclared}) as column_name from documents)
                union all
                select line, $repeated, 'reject', '{document}', null from documents
                where len(list_distinct(json_keys({document}))) < len(json_keys({document}))
            """
            params = {
                "rule": rule.id,
                "severity": rule.severity,
                "mask": MASK,
                "repeated": _REPEATED,
            }
            found.append(con.sql(query, params=params).pl().cast(pl.Schema(_VIOLATIONS)))
        return pl.concat(found)

    def _violations(
        self, content: pl.DataFrame, failures: pl.DataFrame
    ) -> Iterable[pl.DataFrame]:
        for value in self.values:
            mine = failures.filter(pl.col("rule").str.starts_with(f"{value.column}:"))
            if mine.is_empty():
                continue
            text = content[raw(value.column)][mine["row"]]
            shown = pl.lit(MASK) if value.is_personal else text
            yield mine.select(
                content["line"][mine["row"]].alias("line"),
                "rule",
                "severity",
                pl.lit(value.short_id).alias("column_name"),
                pl.when(text.is_not_null()).then(shown).alias("value"),
            )


def _with_rules(failures: pl.DataFrame, rules: Iterable[Rule]) -> pl.DataFrame:
    known = pl.DataFrame(
        [(rule.id, rule.severity, rule.names) for rule in rules],
        schema=dict.fromkeys(("rule", "severity", "names"), pl.String),
        orient="row",
    )
    return failures.join(known, on="rule", how="left", maintain_order="left")


def _nulled(frame: pl.DataFrame, failures: pl.DataFrame, rules: Iterable[Rule]) -> pl.DataFrame:
    """The frame with the values of `null` rules taken out, where the conversion left them in."""
    columns = {f.name: f.column for f in FIELDS}
    is_null = failures.filter(pl.col("severity") == "null")
    for (name,), rows in is_null.group_by("names"):
        column = columns[str(name)]
        at = pl.int_range(pl.len()).is_in(rows["row"].implode())
        frame = frame.with_columns(pl.when(~at).then(pl.col(column)).alias(column))
    return frame.with_columns(pl.col("derived_data").fill_null("{}"))


def _core_violations(frame: pl.DataFrame, failures: pl.DataFrame) -> pl.DataFrame:
    found = [pl.DataFrame(schema=_VIOLATIONS)]
    columns = {f.name: f.column for f in FIELDS}
    mine = failures.filter(pl.col("severity") != "reject")
    for (name,), part in mine.group_by("names", maintain_order=True):
        found.append(
            part.select(
                frame["line"][part["row"]].alias("line"),
                "rule",
                "severity",
                pl.col("names").alias("column_name"),
                frame[raw(columns[str(name)])][part["row"]].alias("value"),
            )
        )
    return pl.concat(found)


def _core_rejections(frame: pl.DataFrame, failures: pl.DataFrame) -> pl.DataFrame:
    mine = failures.filter(pl.col("severity") == "reject")
    return mine.select(frame["line"][mine["row"]].alias("line"), "rule")


def _rejected_lines(frame: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    rules = rejected.unique().sort("rule").group_by("line").agg(rules=pl.col("rule"))
    names = frame.select(
        "line",
        process_id=pl.col(raw("process_id")),
        procedure=pl.col(raw("procedure_id")),
    )
    return rules.join(names, on="line", how="left").sort("line")
