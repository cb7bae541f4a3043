"""The tables about the data themselves, in words: broken rules, files, definitions, the build.

What the rules are stands in `core_record.py` and `attribute_rules.py`.
"""

from __future__ import annotations

from dataclasses import replace

from schemas.catalogue_model import (
    BYTES,
    OutputColumn,
    OutputTable,
    count,
    flag,
    identifier,
    in_order,
    instant,
    number,
    seconds,
    share,
    small_count,
    text,
)
from schemas.catalogue_shared import SHARED

_ALL_FILES = "All files ever taken in, whatever the build's as_of."
_SEVERITY = (
    "`reject` (the line went to `quarantine`), `null` (the one value was emptied, the version "
    "stayed) or `flag` (nothing was changed)."
)

VIOLATIONS = OutputTable(
    "violations",
    "core",
    "Rules that accepted versions break. Personal values are masked.",
    "one row per version, rule and column",
    in_order(
        SHARED,
        (
            "process_id",
            "procedure",
            "rule",
            text(
                "severity",
                "What followed: `null` (the one value was emptied, the version stayed) or `flag` "
                "(nothing was changed).",
            ),
            text(
                "column_name",
                "Field of the record, shortId of the attribute, or undeclared key that broke the "
                "rule.",
            ),
            text(
                "value",
                "What was found there, as it arrived; `***` for values of personal attributes and "
                "of undeclared keys.",
                nulls="when nothing was there",
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
    "Lines that were rejected, without their text: that stays in the warehouse "
    f"(`leadtime quarantine` shows it). {_ALL_FILES}",
    "one row per rejected line",
    in_order(
        SHARED,
        (
            OutputColumn("rules", "VARCHAR[]", "Ids of all rules of severity `reject` it broke."),
            identifier(
                "process_id",
                "Id of the process (a lead, a ticket), as the line says.",
                nulls="when the line has no readable id",
            ),
            text(
                "procedure",
                "shortId of the procedure the line names.",
                nulls="when it names no known procedure",
            ),
            "file_name",
            replace(SHARED["line"], nulls="where the file as a whole could not be read"),
            instant("quarantined_at", "Start of the run that rejected it."),
        ),
    ),
)

DATA_QUALITY = OutputTable(
    "data_quality",
    "mart",
    "How often each rule was broken, and what followed: sums over `violations` and `quarantine`. "
    "Rules that were kept throughout are not listed.",
    "one row per broken rule and procedure",
    in_order(
        SHARED,
        (
            "rule",
            text(
                "procedure",
                "shortId of the procedure of the process.",
                nulls="where rejected lines name no known procedure",
            ),
            text("severity", _SEVERITY, nulls="where the rule is no longer defined"),
            text("sentence", "The rule in words.", nulls="where the rule is no longer defined"),
            count(
                "n_versions",
                "Versions (for `reject`: lines) that broke the rule, once for each column in "
                "which they did.",
            ),
            count(
                "n_processes",
                "Different processes among them; lines without a readable id are not counted.",
            ),
            share(
                "share_of_lines",
                "`n_versions` divided by all lines of all files that were not blank.",
                nulls="when there are no such lines",
            ),
            instant(
                "first_seen_at",
                "Earliest `updatedAt` of a version that broke the rule; for `reject` the earliest "
                "`quarantined_at`.",
            ),
            instant("last_seen_at", "Latest one, likewise."),
        ),
    ),
)

INGEST_FILES = OutputTable(
    "ingest_files",
    "mart",
    "The files that were taken in, and what became of their lines: lines = accepted + duplicates + "
    f"quarantined + blank. {_ALL_FILES}",
    "one row per file, known by its content",
    in_order(
        SHARED,
        (
            number("file_seq", "BIGINT", "Place of the file in the order of files, from 1."),
            number("batch_seq", "BIGINT", "Number of the run that took the file in."),
            "file_name",
            text("sha256", "Fingerprint of the file's bytes, in hexadecimal digits."),
            text(
                "content",
                "What its lines are: `processes`, or the dimension it is named after (`users`, "
                "`pods`, `teams`, `entities`, `records`).",
            ),
            text("format", "Format, and compression after a dot: `ndjson`, `json.gz`, `parquet`."),
            text("status", "`ingested`, or `unreadable` when it could not be read to its end."),
            text("problem", "Why the file could not be read.", nulls="unless `unreadable`"),
            OutputColumn("bytes", "BIGINT", "Size of the file as it came.", BYTES),
            count("lines", "Lines, or records of a JSON array, a page or a Parquet file."),
            count("accepted", "Lines that became versions, or rows of a dimension."),
            count(
                "duplicates",
                "Lines that repeat a version already stored, or the latest line of a dimension "
                "about the same id, exactly.",
            ),
            count("quarantined", "Lines that were rejected; an unreadable file adds one."),
            count("blank", "Empty lines."),
            share(
                "share_quarantined",
                "`quarantined` divided by `lines`.",
                nulls="when the file has no lines",
            ),
            instant("ingested_at", "Start of the run that took the file in."),
        ),
    ),
)

CATALOG = OutputTable(
    "catalog",
    "mart",
    "The tables of this database. What their columns mean is in `metric_catalog`.",
    "one row per table, itself included",
    in_order(
        SHARED,
        (
            text("table_name", "Name of the table."),
            text("grain", "What one row of the table is."),
            count("n_rows", "Rows of the table."),
            text("description", "What the table says."),
        ),
    ),
)

QUESTIONS = OutputTable(
    "questions",
    "mart",
    "Questions to start with, each with the statement that answers it for every procedure.",
    "one row per question",
    in_order(
        SHARED,
        (
            number("question_no", "INTEGER", "Number of the question, from 1."),
            text("question", "The question in words."),
            text("query", "One statement in DuckDB's SQL, over the tables of this database."),
        ),
    ),
)

METRIC_CATALOG = OutputTable(
    "metric_catalog",
    "mart",
    "What every table and column of this database means.",
    "one row per table and column",
    in_order(
        SHARED,
        (
            text("table_name", "Table the column is in."),
            text("column_name", "Name of the column."),
            text("data_type", "Type of the column in DuckDB."),
            text("description", "What the column says, with the formula in words."),
            text(
                "unit",
                "`seconds`, `count`, `share 0..1`, `UTC instant`, `day` or `bytes`; empty where "
                "there is none.",
            ),
            text("null_rule", "When the value is null; empty: never."),
            text(
                "open_rule",
                "What it says for processes that are open or were reopened; empty: nothing "
                "special.",
            ),
            text("grain", "What one row of the table is."),
        ),
    ),
)

STATES = OutputTable(
    "states",
    "config",
    "The states of each procedure, as defined.",
    "one row per procedure and state",
    in_order(
        SHARED,
        (
            "procedure",
            text("state", "shortId of the state."),
            "state_name",
            "state_kind",
            "state_rank",
            flag(
                "is_removed",
                "Whether the platform has the state no more. It stays for the processes that were "
                "in it.",
            ),
        ),
    ),
)

TRANSITIONS = OutputTable(
    "transitions",
    "config",
    "The moves the stategraphs allow. A procedure without a stategraph has no rows here, and every "
    "move is allowed.",
    "one row per procedure and allowed move",
    in_order(
        SHARED,
        (
            "procedure",
            text("from_state", "shortId of the state that is left."),
            text("to_state", "shortId of the state that may follow."),
        ),
    ),
)

FUNNELS = OutputTable(
    "funnels",
    "config",
    "The funnels of each procedure, as defined.",
    "one row per procedure and funnel",
    in_order(
        SHARED,
        (
            "funnel",
            "procedure",
            seconds(
                "within_seconds",
                "The funnel's window: steps count only this long after step 1, the end included.",
                nulls="when the funnel has no window",
            ),
            small_count("n_steps", "Steps of the funnel."),
            small_count("n_required", "Steps of the funnel that are not optional."),
            text(
                "entry",
                "Which visit to step 1 begins: the `first`, or the `best`, from which the process "
                "gets furthest.",
            ),
        ),
    ),
)

BUILD = OutputTable(
    "build",
    "config",
    "How this database was built.",
    "one row",
    (
        instant(
            "as_of",
            "The instant the tables describe: later versions are not seen, and clocks that still "
            "run end here.",
        ),
        text("time_zone", "Reporting time zone: days and months begin at its midnights."),
        instant("built_at", "Start of the run that made the database."),
        number(
            "generation",
            "INTEGER",
            "Number of the published database; a later one is higher. 0 where it was written to a "
            "file of its own (`leadtime run --out`).",
        ),
        text("leadtime_version", "Version of the program that made it."),
    ),
)
