"""The tables about the database itself, in words: its tables, columns, definitions and build.

What the definitions mean stands in `definitions.py`, the questions in `questions.py`.
"""

from __future__ import annotations

from schemas.catalogue_model import (
    UNITS,
    OutputTable,
    count,
    flag,
    in_order,
    instant,
    number,
    seconds,
    small_count,
    text,
)
from schemas.catalogue_shared import SHARED

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
                f"{', '.join(f'`{unit}`' for unit in UNITS)}; empty where there is none.",
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
