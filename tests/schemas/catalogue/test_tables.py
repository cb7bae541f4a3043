"""The catalogue against what it describes: the SQL of every table, and the tables as built.

Whether the numbers in those tables are right does not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

import transforms
from pipelines.settings import PROCEDURES_FOLDER, Settings
from pipelines.warehouse.open import open_warehouse
from schemas.catalogue.dimensions import LABELS
from schemas.catalogue.model import UNITS, OutputColumn, OutputTable
from schemas.catalogue.tables import TABLES, metric_catalog_rows
from schemas.compiled.masking import published_tables
from schemas.compiled.wide_table import built_tables, wide_table
from schemas.definitions.columns import RESERVED_COLUMNS
from schemas.definitions.procedure import Attribute, DerivedAttribute, Procedure, Procedures, State
from schemas.load import load_procedures
from transforms.builder.builder import Builder
from transforms.builder.tables import load_tables
from transforms.config.tables import CONFIG_TABLES, config_frames, write_config

FOLDER = Path(transforms.__file__).parent
SQL_FILES = sorted([*FOLDER.glob("core/*.sql"), *FOLDER.glob("marts/*.sql")])
# Made while publishing, so that no select or config table stands behind them.
MADE_WHEN_PUBLISHED = {"catalog", "metric_catalog", "questions", "build"}
ID = "0f0e0d0c-0000-4000-8000-0000000000"

# One attribute of each kind of column, options, personal data and a reserved name.
JOB = Procedure(
    id=f"{ID}01",
    short_id="Job",
    states=(State(id=f"{ID}02", short_id="NEW", kind="queue"),),
    start_state="NEW",
    completed_state="NEW",
    attributes=(
        Attribute(id=f"{ID}11", short_id="size", type="integerEnum", options=(1, 2)),
        Attribute(id=f"{ID}12", short_id="e-mail", name="E-mail", type="email"),
        Attribute(id=f"{ID}13", short_id="status", type="date"),
    ),
    derived_attributes=(DerivedAttribute(id=f"{ID}14", short_id="seen", type="datetime"),),
)
_OF_PRODUCT = load_procedures(PROCEDURES_FOLDER)
PROCEDURES = Procedures((JOB, *_OF_PRODUCT), _OF_PRODUCT.sources, _OF_PRODUCT.calendars)
ALL_TABLES = built_tables(PROCEDURES)
PUBLISHED = published_tables(PROCEDURES)
PLACES = {
    column: f"{table.name}.{column.name}"
    for table in (*ALL_TABLES, *PUBLISHED)
    for column in table.columns
}
COLUMNS = [pytest.param(column, id=place) for column, place in PLACES.items()]
# Attributes are named by those who define procedures.
_OF_ATTRIBUTES = {
    name
    for procedure in PROCEDURES
    for attribute in (*procedure.attributes, *procedure.derived_attributes)
    for name in (attribute.column, f"{attribute.column}_supplied")
}
NAMED_HERE = [
    pytest.param(column, id=place)
    for column, place in PLACES.items()
    if column.name not in _OF_ATTRIBUTES
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse without a single version, in which every table is built."""
    settings = Settings(data=tmp_path_factory.mktemp("data"))
    with open_warehouse(settings, purpose="a test") as con:
        frames = config_frames(list(PROCEDURES), rules=[], calendars=PROCEDURES.calendars)
        write_config(con, frames)
        builder = Builder(
            con,
            PROCEDURES,
            frames,
            as_of=datetime(2026, 1, 1),  # UTC, as everywhere
            time_zone="UTC",
            catalog="warehouse",
        )
        for name in builder.names("history"):
            builder.refresh_history(name)
        for layer in ("core", "mart"):
            for name in builder.names(layer):
                builder.build(layer, name)
        yield con


# The catalogue and the SQL


@pytest.mark.parametrize("path", SQL_FILES, ids=lambda path: path.stem)
def test_a_file_selects_the_columns_of_its_table_in_order(path: Path) -> None:
    query = sqlglot.parse_one(path.read_text(), dialect="duckdb")
    table = TABLES[path.stem]
    assert isinstance(query, exp.Query)
    assert tuple(query.named_selects) == table.column_names
    assert table.layer == {"core": "core", "marts": "mart"}[path.parent.name]


def test_every_table_is_made_somewhere() -> None:
    made = {path.stem for path in SQL_FILES} | set(CONFIG_TABLES) | MADE_WHEN_PUBLISHED
    assert set(TABLES) <= made
    assert {path.stem for path in SQL_FILES} <= set(TABLES)


@pytest.mark.parametrize(
    "table",
    [table for table in ALL_TABLES if table.name not in MADE_WHEN_PUBLISHED],
    ids=lambda table: table.name,
)
def test_types_are_those_of_the_tables_as_built(
    table: OutputTable, built: duckdb.DuckDBPyConnection
) -> None:
    described = built.execute(f'describe from "{table.name}"').fetchall()
    found = {name: sql_type for name, sql_type, *_ in described}
    assert {column.name: found.get(column.name) for column in table.columns} == {
        column.name: column.type for column in table.columns
    }
    if table.layer != "config":  # config tables hold ids too, which are not published
        assert tuple(found) == table.column_names


# Words and units


@pytest.mark.parametrize("table", [*ALL_TABLES, *PUBLISHED], ids=lambda table: table.name)
def test_a_table_says_what_it_is(table: OutputTable) -> None:
    assert re.fullmatch(r"[A-Z].*\.", table.description)
    assert table.grain.startswith("one row")
    names = [name.lower() for name in table.column_names]
    assert len(names) == len(set(names)) > 0


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_says_what_it_is(column: OutputColumn) -> None:
    assert re.fullmatch(r"\S.*\.", column.description)
    assert "  " not in column.comment
    for rule in (column.nulls, column.open_rule):
        assert not rule.endswith(".")
    assert column.unit in ("", *UNITS)
    duckdb.sql(f"select null::{column.type}")


@pytest.mark.parametrize("column", NAMED_HERE)
def test_names_tell_the_unit(column: OutputColumn) -> None:
    for pattern, unit, types in (
        (r"(.*_)?seconds(_.*)?", "seconds", {"DOUBLE"}),
        (r"n(_.*)?", "count", {"INTEGER", "BIGINT"}),
        (r"(.*_)?share(_.*)?", "share 0..1", {"DOUBLE"}),
        (r".*_at|as_of", "UTC instant", {"TIMESTAMP"}),
        (r"period", "day", {"DATE"}),
        # A curve counts its days from the creation of each process.
        (r"day", "day" if column.type == "DATE" else "days", {"DATE", "INTEGER"}),
        (r"(is|has)_.*", "", {"BOOLEAN"}),
        (r".*_id", "", {"UUID"}),
    ):
        if re.fullmatch(pattern, column.name):
            assert (column.unit, column.type in types) == (unit, True)


def test_a_name_has_one_unit_everywhere() -> None:
    units: dict[str, set[str]] = {}
    for table in TABLES.values():
        for column in table.columns:
            units.setdefault(column.name, set()).add(column.unit)
    assert {name: found for name, found in units.items() if len(found) > 1} == {
        "day": {"day", "days"}
    }


# Wide tables


def test_a_wide_table_is_processes_then_attributes_then_the_rest_of_the_lifecycle() -> None:
    table = wide_table(JOB)
    processes, lifecycle, contacts = (
        TABLES[name] for name in ("processes", "process_lifecycle", "process_contacts")
    )
    n_names = len(LABELS)
    first, last = len(processes.columns) + n_names, len(processes.columns) + n_names + 4
    assert (table.name, table.layer) == ("job_processes", "core")
    assert table.columns[:first] == processes.columns + LABELS
    assert table.column_names[first:last] == ("size", "e_mail", "attr_status", "seen")
    further = {*lifecycle.columns, *contacts.columns}
    assert set(table.columns[last:]) == further - set(processes.columns)
    assert table.column_names[last : last + 2] == ("first_completed_at", "last_completed_at")


def test_attributes_are_described_by_their_definition() -> None:
    described = {column.name: column for column in wide_table(JOB).columns}
    assert described["size"] == OutputColumn(
        "size",
        "BIGINT",
        "Attribute size (`size`, type integerEnum), in the latest version. One of: 1, 2.",
        nulls="if there is no value, or it is not one of the options",
    )
    assert described["e_mail"] == OutputColumn(
        "e_mail",
        "VARCHAR",
        "Attribute E-mail (`e-mail`, type email), in the latest version.",
        nulls="if there is no value, or it does not convert to the type",
        personal="direct",
    )
    assert described["attr_status"].unit == "day"
    assert described["seen"] == OutputColumn(
        "seen",
        "TIMESTAMP",
        "Derived attribute seen (`seen`, type datetime), as supplied by the platform in the "
        "latest version.",
        "UTC instant",
        "if there is no value, or it does not convert to the type",
    )


@pytest.mark.parametrize("procedure", list(PROCEDURES), ids=lambda procedure: procedure.short_id)
def test_a_wide_table_is_named_as_it_is_built(procedure: Procedure) -> None:
    assert ("core", wide_table(procedure).name) in load_tables(PROCEDURES)


def test_no_attribute_can_take_a_column_of_the_wide_table() -> None:
    bare = Procedure(
        id=f"{ID}03", short_id="bare", states=JOB.states, start_state="NEW", completed_state="NEW"
    )
    assert set(wide_table(bare).column_names) <= RESERVED_COLUMNS


def test_no_table_has_the_name_of_a_table_of_a_procedure() -> None:
    names = {name for _, name in load_tables(PROCEDURES)} | {*CONFIG_TABLES, *TABLES}
    made = {name for name in names if name.startswith(("lead_", "ticket_", "job_"))}
    endings = {name.partition("_")[2] for name in made}
    assert {"processes", "attributes", "base", "derived", "records", "values"} <= endings
    alike = {
        name.removesuffix(f"_{ending}")
        for name in names - made
        for ending in endings
        if name.endswith(f"_{ending}")
    }
    assert alike == {"stalled"}  # no shortId: `values.py` refuses it


# metric_catalog


def test_metric_catalog_has_a_row_per_table_and_column() -> None:
    rows = metric_catalog_rows(published_tables([JOB]))
    assert {tuple(row) for row in rows} == {TABLES["metric_catalog"].column_names}
    assert [(row["table_name"], row["column_name"]) for row in rows] == [
        (table.name, column.name) for table in published_tables([JOB]) for column in table.columns
    ]
    assert rows[0] == {
        "table_name": "processes",
        "column_name": "process_id",
        "data_type": "UUID",
        "description": "Id of the process (a lead, a ticket).",
        "unit": "",
        "null_rule": "",
        "open_rule": "",
        "personal": "no",
        "grain": "one row per process",
    }


def test_comments_hold_what_there_is_to_say() -> None:
    assert TABLES["variants"].comment.endswith(
        "Grain: one row per procedure and sequence of states."
    )
    (age,) = [c for c in TABLES["process_lifecycle"].columns if c.name == "age_seconds"]
    assert age.comment == (
        "From the start of the process to the build's as_of, closed times included. Unit: seconds. "
        "Null: unless `outcome` is `open`. Open or reopened: increases up to the build's as_of."
    )
