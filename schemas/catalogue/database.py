"""The tables about the database itself: its tables, columns, definitions and build."""

from __future__ import annotations

from dataclasses import replace

from schemas.catalogue.model import (
    UNITS,
    OutputTable,
    count,
    flag,
    in_order,
    instant,
    number,
    seconds,
    share,
    small_count,
    text,
)
from schemas.catalogue.shared import SHARED

CATALOG = OutputTable(
    "catalog",
    "mart",
    "The tables and table macros of this database. `metric_catalog` explains the columns.",
    "one row per table, itself included, and per table macro",
    in_order(
        SHARED,
        (
            text("table_name", "Name of the table or table macro."),
            text("grain", "What one row of the table is."),
            replace(count("n_rows", "Rows of the table."), nulls="for a table macro"),
            text("description", "What the table contains."),
        ),
    ),
    key=("table_name",),
)

QUESTIONS = OutputTable(
    "questions",
    "mart",
    "Sample questions, each with the statement that answers it for every procedure.",
    "one row per question",
    in_order(
        SHARED,
        (
            number("question_no", "INTEGER", "Number of the question, from 1."),
            text("question", "The question in words."),
            text("query", "One statement in DuckDB's SQL, over the tables of this database."),
        ),
    ),
    key=("question_no",),
)

METRIC_CATALOG = OutputTable(
    "metric_catalog",
    "mart",
    "The meaning of every column of this database.",
    "one row per table and column",
    in_order(
        SHARED,
        (
            text("table_name", "Table the column is in."),
            text("column_name", "Name of the column."),
            text("data_type", "Type of the column in DuckDB."),
            text("description", "Meaning of the column, with its formula in words."),
            text(
                "unit",
                f"{', '.join(f'`{unit}`' for unit in UNITS)}; empty if the value has no unit.",
            ),
            text("null_rule", "When the value is null; empty: never."),
            text(
                "open_rule",
                "How open and reopened processes count; empty: no special rule.",
            ),
            text(
                "personal",
                "`direct`: personal data; `indirect`: may be personal data, such as free text; "
                "`no`. Computed attributes are as personal as what they are computed from.",
            ),
            text("grain", "What one row of the table is."),
        ),
    ),
    key=("table_name", "column_name"),
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
                "Whether the state is retired. It is kept for the processes that were in it.",
            ),
            share(
                "probability",
                "How probably a process in the state will be completed, as defined.",
                nulls="if the definition has none",
            ),
        ),
    ),
    key=("procedure", "state"),
)

TRANSITIONS = OutputTable(
    "transitions",
    "config",
    "The moves that the stategraphs allow. A procedure without a stategraph has no rows here: "
    "every move is allowed.",
    "one row per procedure and allowed move",
    in_order(
        SHARED,
        (
            "procedure",
            text("from_state", "shortId of the state that is left."),
            text("to_state", "shortId of the state that may follow."),
        ),
    ),
    key=("procedure", "from_state", "to_state"),
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
                "Which visit to step 1 counts as the entry: the `first`, or the `best`, from which "
                "the process gets furthest.",
            ),
        ),
    ),
    key=("procedure", "funnel"),
)

BUILD = OutputTable(
    "build",
    "config",
    "How this database was built.",
    "one row",
    (
        instant(
            "as_of",
            "The instant the tables describe: later versions are ignored, and open intervals end "
            "here.",
        ),
        text("time_zone", "Reporting time zone: days, weeks and months begin at midnight there."),
        instant("built_at", "Start of the run that wrote the database."),
        number(
            "generation",
            "INTEGER",
            "Number of the published database, increasing. 0 for a database written by "
            "`leadtime run --out`.",
        ),
        text("leadtime_version", "Version of leadtime that wrote it."),
    ),
)
