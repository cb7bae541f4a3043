"""The tables of data quality: broken rules, rejected lines, files, drift of derived values."""

from __future__ import annotations

from dataclasses import replace

from schemas.catalogue.model import (
    BYTES,
    OutputColumn,
    OutputTable,
    count,
    identifier,
    in_order,
    instant,
    number,
    share,
    text,
)
from schemas.catalogue.shared import SHARED

_ALL_FILES = "All files ever ingested, whatever the build's as_of."

_SEVERITY = (
    "`reject` (the line went to `quarantine`), `null` (the value was set to null, the version "
    "kept) or `flag` (nothing was changed)."
)

VIOLATIONS = OutputTable(
    "violations",
    "core",
    "Rules broken by accepted versions, and tasks and calls about unknown processes. Personal "
    "values are masked.",
    "one row per version, rule and column",
    in_order(
        SHARED,
        (
            "process_id",
            replace(SHARED["procedure"], nulls="for tasks and calls about unknown processes"),
            "rule",
            text(
                "severity",
                "Effect: `null` (the value was set to null, the version kept) or `flag` (nothing "
                "was changed).",
            ),
            text(
                "column_name",
                "Field of the record, shortId of the attribute, or undeclared key that broke the "
                "rule.",
            ),
            text(
                "value",
                "The value as it arrived; `***` for values of personal attributes and of "
                "undeclared keys.",
                nulls="if there was no value",
            ),
            instant(
                "updated_at",
                "`updatedAt` of the version; of the latest one for rules about a process as a "
                "whole (its primary key, its parent).",
            ),
            "file_name",
            "line",
        ),
    ),
)

QUARANTINE = OutputTable(
    "quarantine",
    "core",
    "Rejected lines, without their text, which stays in the warehouse (`leadtime quarantine "
    f"--text` shows it). {_ALL_FILES}",
    "one row per rejected line",
    in_order(
        SHARED,
        (
            OutputColumn(
                "rules", "VARCHAR[]", "Ids of all rules of severity `reject` that the line broke."
            ),
            identifier(
                "process_id",
                "Id of the process in the line.",
                nulls="if the line has no readable id",
            ),
            text(
                "procedure",
                "shortId of the procedure in the line.",
                nulls="if the procedure is unknown",
            ),
            "file_name",
            replace(
                SHARED["line"],
                nulls="if the file as a whole could not be read, or the row stands for many lines",
            ),
            instant("quarantined_at", "Start of the run that rejected the line."),
            count(
                "n_lines",
                "Lines that the row stands for: 1, or under the rule `file:line:rejects` those "
                "that were only counted.",
            ),
        ),
    ),
)

DATA_QUALITY = OutputTable(
    "data_quality",
    "mart",
    "How often each rule was broken: counts of `violations` and `quarantine`. Rules never broken "
    "are not listed.",
    "one row per broken rule and procedure",
    in_order(
        SHARED,
        (
            "rule",
            text(
                "procedure",
                "shortId of the procedure of the process.",
                nulls="for rejected lines with an unknown procedure",
            ),
            text("severity", _SEVERITY, nulls="if the rule is no longer defined"),
            text("sentence", "The rule in words.", nulls="if the rule is no longer defined"),
            count(
                "n_versions",
                "Versions (for `reject`: lines) that broke the rule, counted once per column.",
            ),
            count(
                "n_processes",
                "Distinct processes among them; lines without a readable id are not counted.",
            ),
            share(
                "share_of_lines",
                "`n_versions` divided by the lines of all files that were not blank.",
                nulls="if there are no such lines",
            ),
            instant(
                "first_seen_at",
                "Earliest `updatedAt` of a version that broke the rule; for `reject` the earliest "
                "`quarantined_at`.",
            ),
            instant("last_seen_at", "Latest of these instants."),
        ),
    ),
    key=("rule", "procedure"),
)

INGEST_FILES = OutputTable(
    "ingest_files",
    "mart",
    "The ingested files with counts of their lines: lines + added = accepted + duplicates + "
    f"quarantined + blank + erased. {_ALL_FILES}",
    "one row per file, identified by its content",
    in_order(
        SHARED,
        (
            number("file_seq", "BIGINT", "Number of the file in ingest order, from 1."),
            number("batch_seq", "BIGINT", "Number of the run that ingested the file."),
            "file_name",
            text("sha256", "SHA-256 hash of the file's bytes, hexadecimal."),
            text(
                "content",
                "`processes`, or the dimension the file is named after (`users`, `pods`, `teams`, "
                "`entities`, `records`).",
            ),
            text("format", "Format with compression, for example `ndjson`, `json.gz`, `parquet`."),
            text(
                "status",
                "`ingested`, `unreadable` if the file could not be read to its end, or `forgotten` "
                "if its lines were taken out again with `leadtime forget`.",
            ),
            text("problem", "Why the file could not be read.", nulls="unless `unreadable`"),
            OutputColumn("bytes", "BIGINT", "Size of the file.", BYTES),
            count("lines", "Lines, or records of a JSON array, API page or Parquet file."),
            count("accepted", "Lines that became versions, or rows of a dimension."),
            count(
                "duplicates",
                "Exact duplicates of a version already stored, or of the latest line of a "
                "dimension for the same id.",
            ),
            count(
                "quarantined",
                "Rejected lines whose text is kept; an unreadable file counts as one.",
            ),
            count("blank", "Empty lines."),
            count(
                "added",
                "Lines that a source made of a row beyond its first one (a row with three dates "
                "gives three), names of users, and deletions inferred from a full list.",
            ),
            count("erased", "Rejected lines whose text was erased; `quarantine` lists them too."),
            share(
                "share_quarantined",
                "`quarantined` divided by `lines` and `added`.",
                nulls="if the file has no lines",
            ),
            text(
                "source",
                "The source that says how its rows become records.",
                nulls="if the lines are records",
            ),
            instant("ingested_at", "Start of the run that ingested the file."),
        ),
    ),
    key=("file_seq",),
)

_SEARCHED = "if the erasure was interrupted before its search"

ERASURES = OutputTable(
    "erasures",
    "mart",
    "Personal values that were erased with `leadtime erase` or `retain`, by numbers only. "
    "Ids, states and times of the subjects stay, so that no figure changes. Afterwards every "
    "column of every database and the bytes of every file of the data folder were searched for the "
    "values.",
    "one row per erasure",
    in_order(
        SHARED,
        (
            number("erasure_no", "BIGINT", "Number of the erasure, from 1."),
            instant("erased_at", "When it began."),
            text(
                "kind",
                "What was given: `process`, `value` or `user`, or `retention` for what had become "
                "too old.",
            ),
            text(
                "subject_hash",
                "SHA-256 hash of the id, or keyed hash of the value, that was given.",
                nulls="for `retention`",
            ),
            count("processes", "Processes whose personal values were erased."),
            count("versions", "Versions of them, whose personal values are null now."),
            count("violations", "Values that are null now in `violations`."),
            count("dimension_rows", "Lines about users and records without personal values now."),
            count(
                "quarantined_lines",
                "Rejected lines whose text lacks personal values now, or is null.",
            ),
            count("landing_lines", "Lines of landing files that were rewritten."),
            replace(
                count(
                    "searched_values",
                    "Erased values that were searched for: those of at least "
                    "5 bytes, or 7 digits, that nobody else has; of `retention` at most 1,000 of "
                    "at least 12 bytes.",
                ),
                nulls=_SEARCHED,
            ),
            replace(count("searched_columns", "Columns that were searched."), nulls=_SEARCHED),
            replace(count("searched_files", "Files that were searched."), nulls=_SEARCHED),
            replace(count("matches", "Places where a value was still found: 0."), nulls=_SEARCHED),
        ),
    ),
    key=("erasure_no",),
)

DERIVED_DRIFT = OutputTable(
    "derived_drift",
    "mart",
    "Derived attributes computed here, compared with the values supplied by the platform in the "
    "latest version of each process. `violations` lists the processes that differ under the rule "
    "`derived:<attribute>:differs`.",
    "one row per procedure and computed attribute",
    in_order(
        SHARED,
        (
            "procedure",
            text("attribute", "shortId of the derived attribute."),
            count("processes", "Processes of the procedure."),
            count("n_failed", "Processes for which the value could not be computed."),
            count("n_supplied", "Processes for which the platform supplied a value."),
            count("n_computed", "Processes with a computed value."),
            count("n_compared", "Processes with both."),
            count(
                "n_different",
                "Those of `n_compared` whose values differ. Floating-point numbers are equal if "
                "they agree to nine digits.",
            ),
            share(
                "share_different",
                "`n_different` divided by `n_compared`.",
                nulls="if no process has both values",
            ),
        ),
    ),
    key=("procedure", "attribute"),
)
