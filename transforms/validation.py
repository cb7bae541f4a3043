"""Parsed records -> accepted versions, rejected lines and violations, by the rules of `schemas/`.

Reading files and writing the result to the warehouse do not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.attribute_values import DOCUMENTS
from schemas.core_record import FIELDS, convert, core_rules, core_schema, raw
from schemas.definitions import Procedure, Procedures
from schemas.dimensions import DIMENSION_RULES, DIMENSION_SCHEMA, convert_dimension
from schemas.rules import find_failures
from transforms.documents import HASHES, VIOLATIONS, DocumentJudge, shown, with_rules

_FIELD_OF = {f.name: f for f in FIELDS}
_STORED = [f.column for f in FIELDS if f.kind != "state"]
_REJECTIONS = {"line": pl.Int64, "rule": pl.String}


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
        self._judges = {p.id: DocumentJudge.of(p) for p in procedures}

    def validate(self, records: pl.DataFrame) -> Validated:
        """Judge `records` (column `line`, ascending, and the raw columns of `core_record`)."""
        frame = convert(records, self._states)
        failures = with_rules(find_failures(frame, self._schema, self._rules), self._rules)
        is_reject = pl.col("severity") == "reject"
        rejections = [_core_rejections(frame, failures.filter(is_reject))]
        frame = _nulled(frame, failures)
        violations = list(_core_violations(frame, failures.filter(~is_reject)))
        good = frame.filter(~pl.col("line").is_in(rejections[0]["line"].implode()))
        hashes = [pl.DataFrame(schema={"line": pl.Int64} | dict.fromkeys(HASHES, pl.UInt64))]
        documents = good.select("line", "procedure_id", *DOCUMENTS)
        for (procedure_id,), part in documents.group_by("procedure_id"):
            judge = self._judges[str(procedure_id)]
            hashed, found = judge.judge(self._con, part.drop("procedure_id"))
            hashes.append(hashed)
            rejections.append(found.filter(is_reject).select("line", "rule"))
            violations.append(found.filter(~is_reject))
        rejected = pl.concat(rejections)
        accepted = (
            good.join(pl.concat(hashes), on="line", maintain_order="left")
            .filter(~pl.col("line").is_in(rejected["line"].implode()))
            .select("line", "state_id", *_STORED, *HASHES)
        )
        versions = accepted.select("line", "process_id", "procedure_id", "updated_at")
        return Validated(
            accepted=accepted,
            rejected=_rejected_lines(frame, rejected),
            violations=pl.concat([pl.DataFrame(schema=VIOLATIONS), *violations])
            .join(versions, on="line")
            .sort("line", "rule", "column_name"),
        )


def validate_dimension(rows: pl.DataFrame) -> Validated:
    """Judge the rows of a dimension file: `line`, `data` and the raw columns of `dimensions`.

    `accepted` has `line, id, name, data`; there are no violations, as a row is right or rejected.
    """
    frame = convert_dimension(rows)
    failures = find_failures(frame, DIMENSION_SCHEMA, DIMENSION_RULES)
    rejected = _core_rejections(frame, failures)
    nothing = pl.lit(None, dtype=pl.String)
    rules = rejected.sort("line", "rule").group_by("line", maintain_order=True)
    good = ~pl.col("line").is_in(rejected["line"].implode())
    return Validated(
        accepted=frame.filter(good).select("line", "id", "name", "data"),
        rejected=rules.agg(rules=pl.col("rule")).with_columns(
            process_id=nothing, procedure=nothing
        ),
        violations=pl.DataFrame(schema=VIOLATIONS),
    )


def known_states(procedures: Iterable[Procedure]) -> pl.DataFrame:
    """One row per way of naming a state: `procedure_id, state_key, state_id`, in lower case."""
    rows = [
        (procedure.id, key, state.id)
        for procedure in procedures
        for state in procedure.states
        for key in dict.fromkeys((state.id.lower(), state.short_id.lower()))
    ]
    schema = {"procedure_id": pl.String, "state_key": pl.String, "state_id": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _nulled(frame: pl.DataFrame, failures: pl.DataFrame) -> pl.DataFrame:
    """The frame with the values of `null` rules taken out, where the conversion left them in."""
    is_null = failures.filter(pl.col("severity") == "null")
    for (name,), rows in is_null.group_by("names"):
        column = _FIELD_OF[str(name)].column
        at = pl.int_range(pl.len()).is_in(rows["row"].implode())
        frame = frame.with_columns(pl.when(~at).then(pl.col(column)).alias(column))
    return frame.with_columns(pl.col("derived_data").fill_null("{}"))


def _core_violations(frame: pl.DataFrame, failures: pl.DataFrame) -> Iterable[pl.DataFrame]:
    for (name,), part in failures.group_by("names", maintain_order=True):
        field = _FIELD_OF[str(name)]
        text = frame[raw(field.column)][part["row"]]
        yield part.select(
            frame["line"][part["row"]].alias("line"),
            "rule",
            "severity",
            pl.col("names").alias("column_name"),
            shown(text, is_personal=field.is_personal).alias("value"),
        )


def _core_rejections(frame: pl.DataFrame, failures: pl.DataFrame) -> pl.DataFrame:
    rows = failures["row"]
    return pl.DataFrame([frame["line"][rows], failures["rule"]], schema=_REJECTIONS)


def _rejected_lines(frame: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    rules = rejected.unique().sort("rule").group_by("line").agg(rules=pl.col("rule"))
    names = frame.select(
        "line",
        process_id=pl.col(raw("process_id")),
        procedure=pl.col(raw("procedure_id")),
    )
    return rules.join(names, on="line", how="left").sort("line")
