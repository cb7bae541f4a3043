"""Parsed records -> accepted versions, rejected lines and violations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import polars as pl

from schemas.definitions.procedure import Procedure, Procedures
from schemas.records.activities import ACTIVITIES, activity_rules, activity_schema
from schemas.records.attribute_values import DOCUMENTS
from schemas.records.between_fields import by_procedure
from schemas.records.dimensions import DIMENSION_RULES, DIMENSION_SCHEMA, convert_dimension
from schemas.records.limits import raw
from schemas.records.record import FIELDS, STATES, convert, core_rules, core_schema
from schemas.records.rule import find_failures
from transforms.validate.documents import HASHES, VIOLATIONS, DocumentValidator, shown, with_rules

_FIELD_OF = {f.name: f for f in FIELDS}
_STORED_TYPES = {"time": pl.Int64(), "boolean": pl.Boolean()}
ACCEPTED: dict[str, pl.DataType] = {
    "line": pl.Int64(),
    "state_id": pl.String(),
    **{f.column: _STORED_TYPES.get(f.kind, pl.String()) for f in FIELDS if f.kind != "state"},
    **dict.fromkeys(HASHES, pl.UInt64()),
}
"""The columns of accepted versions."""
VERSION_VIOLATIONS = VIOLATIONS | {
    "process_id": pl.String,
    "procedure_id": pl.String,
    "updated_at": pl.Int64,
}
"""The columns of their violations."""

_REJECTIONS = {"line": pl.Int64, "rule": pl.String}
# Stored column -> the column of the record as landed, where the two are written differently.
_STORED_NAMES = {"state_id": "state_key", "entity_id": "entity_id"}


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
        self._levels = _rule_levels(procedures)
        self._document_validators = {p.id: DocumentValidator.of(p) for p in procedures}

    def validate(self, records: pl.DataFrame) -> Validated:
        """Validate `records` (column `line`, ascending, and the raw columns of `core_record`)."""
        frame = convert(records, self._states)
        failures = with_rules(find_failures(frame, self._schema, self._rules), self._rules)
        failures = _at_levels(_causes(failures), frame["procedure_id"], self._levels)
        is_reject = pl.col("severity") == "reject"
        rejections = [_core_rejections(frame, failures.filter(is_reject))]
        frame = _nulled(frame, failures)
        # As stored, so that a later validation of the stored versions finds the same.
        stored = [pl.coalesce(n, raw(k)).alias(raw(k)) for n, k in _STORED_NAMES.items()]
        violations = list(_core_violations(frame.with_columns(stored), failures.filter(~is_reject)))
        good = frame.filter(~pl.col("line").is_in(rejections[0]["line"].implode()))
        hashes = [pl.DataFrame(schema={"line": pl.Int64} | dict.fromkeys(HASHES, pl.UInt64))]
        documents = good.select("line", "procedure_id", *DOCUMENTS)
        for (procedure_id,), part in documents.group_by("procedure_id"):
            validator = self._document_validators[str(procedure_id)]
            hashed, found = validator.validate(self._con, part.drop("procedure_id"))
            hashes.append(hashed)
            rejections.append(found.filter(is_reject).select("line", "rule"))
            violations.append(found.filter(~is_reject))
        rejected = pl.concat(rejections)
        accepted = (
            good.join(pl.concat(hashes), on="line", maintain_order="left")
            .filter(~pl.col("line").is_in(rejected["line"].implode()))
            .select(*ACCEPTED)
        )
        versions = accepted.select("line", "process_id", "procedure_id", "updated_at")
        return Validated(
            accepted=accepted,
            rejected=_rejected_lines(frame, rejected),
            violations=pl.concat([pl.DataFrame(schema=VIOLATIONS), *violations])
            .join(versions, on="line")
            .sort("line", "rule", "column_name"),
        )


def validate_activity(rows: pl.DataFrame, activity: str, latest_ms: int) -> Validated:
    """Validate the rows of a file of tasks or calls: `line`, `document`, and the fields with their
    JSON texts. No time of the past may lie after `latest_ms`.

    `accepted` has `line, id, name, data, process_id, updated_at` (epoch ms), without a name; there
    are no violations, as a row is right or rejected.
    """
    rules = activity_rules(activity, latest_ms)
    failures = find_failures(rows, activity_schema(activity, latest_ms), rules)
    accepted = rows.select(
        "line",
        pl.col(ACTIVITIES[activity][0].column).alias("id"),
        pl.lit(None, dtype=pl.String).alias("name"),
        pl.col("document").alias("data"),
        "process_id",
        "updated_at",
    )
    return _right_or_rejected(accepted, _core_rejections(rows, failures))


def validate_dimension(rows: pl.DataFrame) -> Validated:
    """Validate the rows of a dimension file: `line`, `data` and the raw columns of `dimensions`.

    `accepted` has `line, id, name, data`; there are no violations, as a row is right or rejected.
    """
    frame = convert_dimension(rows)
    failures = find_failures(frame, DIMENSION_SCHEMA, DIMENSION_RULES)
    rows = frame.select("line", "id", "name", "data")
    return _right_or_rejected(rows, _core_rejections(frame, failures))


def _right_or_rejected(rows: pl.DataFrame, rejected: pl.DataFrame) -> Validated:
    nothing = pl.lit(None, dtype=pl.String)
    rules = rejected.sort("line", "rule").group_by("line", maintain_order=True)
    return Validated(
        accepted=rows.filter(~pl.col("line").is_in(rejected["line"].implode())),
        rejected=rules.agg(rules=pl.col("rule")).with_columns(
            process_id=nothing, procedure=nothing
        ),
        violations=pl.DataFrame(schema=VIOLATIONS),
    )


def known_states(procedures: Iterable[Procedure]) -> pl.DataFrame:
    """One row (`STATES`) per name of a state, which is its id or shortId in lower case."""
    rows = [
        (
            procedure.id,
            key,
            state.id,
            state.short_id == procedure.completed_state,
            state.kind == "done",
            procedure.entity,
        )
        for procedure in procedures
        for state in procedure.states
        for key in dict.fromkeys((state.id.lower(), state.short_id.lower()))
    ]
    return pl.DataFrame(rows, schema=STATES, orient="row")


def validate_by_procedure(versions: pl.DataFrame, procedure: Procedure) -> pl.DataFrame:
    """What the rules about what a procedure defines find in its stored versions, as `VIOLATIONS`.

    `versions` has `line, status, state_id, entity_id`. What rejects new versions is a flag here.
    """
    rules = by_procedure()
    facts = known_states([procedure]).unique("state_id").drop("procedure_id", "state_key")
    frame = versions.join(facts, on="state_id", how="left", maintain_order="left").with_columns(
        pl.col("state_id").alias(raw("state_key")), pl.col("entity_id").alias(raw("entity_id"))
    )
    failures = with_rules(find_failures(frame, core_schema(rules), rules), rules)
    return pl.concat([pl.DataFrame(schema=VIOLATIONS), *_core_violations(frame, failures)])


def _rule_levels(procedures: Iterable[Procedure]) -> pl.DataFrame:
    """The severity of rules in procedures that change it.

    A rule that is off is still a flag here: the build leaves it out, and can put it back.
    """
    rows = [
        (procedure.id, rule, "flag" if level == "off" else level)
        for procedure in procedures
        for rule, level in procedure.rules.items()
    ]
    schema = ["procedure_id", "rule", "level"]
    return pl.DataFrame(rows, schema=dict.fromkeys(schema, pl.String), orient="row")


def _causes(failures: pl.DataFrame) -> pl.DataFrame:
    """`failures` without the flags of a field whose value is bad in itself."""
    is_flag = pl.col("severity") == "flag"
    bad = failures.filter(~is_flag).select("row", "names")
    flags = failures.filter(is_flag).join(bad, on=["row", "names"], how="anti")
    return pl.concat([failures.filter(~is_flag), flags]).sort("row", "rule")


def _at_levels(
    failures: pl.DataFrame, procedure_ids: pl.Series, levels: pl.DataFrame
) -> pl.DataFrame:
    """`failures` with the severities that the procedures of their rows choose."""
    if levels.is_empty():
        return failures
    return (
        failures.with_columns(procedure_id=procedure_ids.gather(failures["row"]))
        .join(levels, on=["procedure_id", "rule"], how="left", maintain_order="left")
        .with_columns(severity=pl.coalesce("level", "severity"))
        .select(failures.columns)
    )


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
