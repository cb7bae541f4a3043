"""The tables about the data as they came, in words: broken rules, rejected lines, files.

What the rules are stands in `core_record.py` and `attribute_rules.py`.
"""

from __future__ import annotations

from dataclasses import replace

from schemas.catalogue_model import (
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
