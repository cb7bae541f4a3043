"""What the loader finds in the SQL files: kinds, reads, and an order to build in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures
from transforms.builder.fingerprints import CONFIG_OF_HISTORY, Fingerprints
from transforms.builder.tables import Table, load_tables, load_versions, upstreams
from transforms.config.tables import config_frames
from transforms.macros.load import MACROS

_FOLDER = Path(__file__).parents[3] / "schemas" / "procedures"
_IMPORT = re.compile(r"^(?:with (?:recursive )?)?(\w+) as \(from (\w+)\b", re.MULTILINE)


@pytest.fixture(scope="module")
def procedures() -> Procedures:
    return load_procedures(_FOLDER)


def test_each_table_comes_after_those_it_reads(procedures: Procedures) -> None:
    tables = load_tables(procedures)
    places = {key: place for place, key in enumerate(tables)}
    assert [
        (table.key, key)
        for table in tables.values()
        for key in upstreams(tables, table)
        if places[key] > places[table.key]
    ] == []


def test_kinds_are_what_the_headers_say(procedures: Procedures) -> None:
    tables = load_tables(procedures)
    assert tables["core", "state_visits"].kind == "view"
    assert tables["core", "state_visits"].shows == "state_visits"
    assert tables["core", "hierarchy"].kind == "table"
    assert tables["step", "funnel_sums"].kind == "table"
    assert tables["step", "funnel_paths"].kind == "view"
    assert tables["history", "funnel_paths"].kind == "table"
    assert tables["step", "funnel_moments"].kind == "view"
    assert tables["core", "lead_processes"].kind == "view"
    assert tables["core", "lead_processes"].shows == "lead_attributes"
    assert tables["step", "lead_derived"].kind == "computed table"
    assert load_versions().kind == "temporary table"
    assert ("history", "versions") not in tables


def test_history_reads_only_what_its_fingerprint_covers(procedures: Procedures) -> None:
    tables = load_tables(procedures)
    covered = {*CONFIG_OF_HISTORY, "versions", "raw_versions", "raw_activities"}
    covered |= {name for layer, name in tables if layer == "history"}
    written = [load_versions(), *(t for t in tables.values() if t.layer == "history")]
    assert [
        (table.name, relation)
        for table in written
        for _, relation in _IMPORT.findall(table.sql)
        if relation not in covered | {"choices", "tracked_values"}
    ] == []


def test_every_macro_has_a_fingerprint(procedures: Procedures) -> None:
    frames = config_frames(list(procedures), [], calendars=procedures.calendars)
    prints = Fingerprints(load_tables(procedures), frames)
    names = re.findall(r"macro (\w+)\(", MACROS)
    assert names
    calls = [Table(name, "history", "table", f"select {name}(1)", ()) for name in names]
    assert len({prints.of_code(table) for table in calls}) == len(names)
    for table in calls:
        assert f"macro {table.name}(" in "".join(prints.macros_called(table.sql))
