"""Erasing by age: what is too old is found nowhere, what is younger stays, no figure changes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.cli import erasure
from pipelines.defs.retention import Retention, RetentionRequest, plan_retention, retain
from pipelines.launch import run_job
from pipelines.run import Request
from pipelines.settings import PROCEDURES_FOLDER, Settings
from pipelines.warehouse.open import open_warehouse
from schemas.compiled.masking import published_tables
from schemas.definitions.age import Age
from schemas.load import load_procedures
from tests.support.builds import build_all
from tests.support.command_line import leadtime
from tests.support.erasing import ANN, BEA, NEW, RECORD, SHARED, found_anywhere, land, lead
from tests.support.landing_zone import START

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
CUT = datetime.fromtimestamp(START / 1000, UTC) + timedelta(hours=3)
MONTH = Age.parse("30d")
OLD = {"full_name": "Olga Oldvalue-Marker", "email": "olga@oldvalue-marker.example", "score": 4}
YOUNG = {"full_name": "Olga Youngvalue-Marker", "email": "olga@young-marker.example", "score": 4}
OLD_VALUES = ("Olga Oldvalue-Marker", "olga@oldvalue-marker.example", "Oldvalue house")
YOUNG_VALUES = ("Olga Youngvalue-Marker", "olga@young-marker.example", "Youngvalue house")
LINES = (
    lead(ANN, "NEW", 0, data=OLD, record=SHARED),
    lead(ANN, "NEW", 1, data=OLD | {"score": 5}, record=SHARED),
    # At the instant itself, which is old; the next version has the same data.
    lead(ANN, "NEW", 3, data=YOUNG | {"score": 5}, record=SHARED),
    lead(ANN, "NEW", 4, data=YOUNG | {"score": 5}, record=SHARED),
    lead(ANN, "CONTACTED", 5, data=YOUNG | {"score": 5, "plan": "Team"}, record=SHARED),
    lead(BEA, "NEW", 2, data=OLD, record=RECORD),
    lead(BEA, "GONE", 1, data=OLD),
)
RECORDS = (
    json.dumps({"id": RECORD, "name": "Oldvalue house"}).encode() + b"\n",
    json.dumps({"id": SHARED, "name": "Youngvalue house"}).encode() + b"\n",
)
LEDGER = {"ingest_files", "erasures", "build", "catalog"}
# Changes of a tracked personal value go with it.
CHANGES = {"attribute_changes", "attribute_spells", "rework"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("aged")
    tracking = (PROCEDURES_FOLDER / "lead.yaml").read_text()
    shutil.copytree(PROCEDURES_FOLDER, folder / "procedures")
    tracking = tracking.replace("type: email, unique: true", "type: email, track: true")
    (folder / "procedures" / "lead.yaml").write_text(tracking)
    settings = settings_in(folder)
    land(settings, {"a.ndjson": LINES, "records.ndjson": RECORDS})
    build_all(settings, Request(as_of=AS_OF))
    return folder


@pytest.fixture
def aged(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A data folder, at an instant when the versions of the first three hours are 30 days old."""
    shutil.copytree(template, tmp_path / "aged", symlinks=True)
    monkeypatch.setattr("pipelines.defs.retention.now", lambda: CUT + timedelta(days=30))
    return settings_in(tmp_path / "aged")


def settings_in(folder: Path) -> Settings:
    return Settings(
        data=folder / "data",
        landing=folder / "data" / "landing",
        procedures=folder / "procedures",
    )


def retained(settings: Settings, *, versions: Age = MONTH, **how: Any) -> Retention:
    return retain(settings, RetentionRequest(versions, **how))


def figures(settings: Settings, path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All columns of a published database that say nothing about a person; the ledger apart."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    with duckdb.connect(path, read_only=True) as con:
        for table in published_tables(load_procedures(settings.procedures)):
            names = [
                f'"{c.name}"'
                for c in table.columns
                if c.personal == "no" and not c.name.endswith("_key")
            ]
            if names and table.name not in LEDGER | CHANGES:
                query = f'select {", ".join(names)} from "{table.name}" order by all'
                found[table.name] = con.execute(query).fetchall()
    return found


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with open_warehouse(settings, purpose="a test") as con:
        return con.execute(query).fetchall()


VERSIONS = (
    "select data->>'email', data->>'score', is_erased from raw.process_versions "
    f"where process_id = '{ANN}' order by updated_at, ingest_seq"
)
AFTER = [
    (None, "4", True),
    (None, "5", True),
    (None, "5", True),
    ("olga@young-marker.example", "5", False),
    ("olga@young-marker.example", "5", False),
]


def test_old_values_go_and_no_figure_changes(aged: Settings, tmp_path: Path) -> None:
    before = figures(aged, aged.published)
    retention = retained(aged)
    assert rows(aged, VERSIONS) == AFTER
    assert (retention.due.aged.versions, retention.due.aged.processes) == (4, 2)
    assert retention.proof is not None
    assert retention.proof.matches.total == 0
    assert found_anywhere(aged.data, YOUNG_VALUES, leave_out=aged.landing)
    out = build_all(aged, Request(as_of=AS_OF, out=tmp_path / "after.duckdb"))
    after = figures(aged, out)
    assert {name for name in before if before[name] != after[name]} == set()
    assert len(before) > 50
    # Of the tracked address the change at 3 h is gone with its values; none is made up at 4 h.
    assert rows(
        aged,
        "select attribute, old_value, value from history.attribute_spells "
        "where is_change and attribute in ('email', 'score') order by all",
    ) == [("score", "4", "5")]
    # A record goes with its last version.
    query = "select name, data::varchar from raw.dimension_rows where dimension = 'records'"
    found = dict(rows(aged, query))
    assert json.loads(found["Youngvalue house"]) == {"id": SHARED, "name": "Youngvalue house"}
    assert json.loads(found[None]) == {"id": RECORD}
    with duckdb.connect(aged.published, read_only=True) as con:
        query = "select kind, processes, versions, dimension_rows, matches from erasures"
        assert con.execute(query).fetchall() == [("retention", 2, 4, 1, 0)]


@pytest.mark.nightly
def test_texts_go_by_the_age_of_their_rejection(
    aged: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert retain(aged, RetentionRequest(quarantine_text=MONTH)).proof is None
    # The versions have gone before; the rejected line still holds the values.
    retained(aged)
    assert rows(aged, "select count(*) from raw.quarantine where raw_text is not null") == [(1,)]
    late = datetime.now(UTC) + timedelta(days=31)
    monkeypatch.setattr("pipelines.defs.retention.now", lambda: late)
    retention = retain(aged, RetentionRequest(quarantine_text=MONTH))
    assert retention.due.aged.texts == 1
    assert found_anywhere(aged.data, OLD_VALUES, leave_out=aged.landing) == []
    assert rows(aged, "select count(*), count(raw_text) from raw.quarantine") == [(1, 0)]
    query = "select lines, accepted, quarantined, erased from raw.ingest_files where lines = 7"
    assert rows(aged, query) == [(7, 6, 0, 1)]
    # Younger values are where they were.
    assert rows(aged, VERSIONS) == AFTER


@pytest.mark.nightly
def test_what_is_not_too_old_stays_and_nothing_is_published(aged: Settings) -> None:
    before = sorted(aged.generations.iterdir())
    assert retained(aged, versions=Age.parse("2mo")).proof is None
    assert rows(aged, "select count(*) from raw.erasures") == [(0,)]
    assert sorted(aged.generations.iterdir()) == before
    assert retained(aged).proof is not None
    assert retained(aged).proof is None


def test_a_plan_changes_nothing(aged: Settings) -> None:
    due = plan_retention(aged, RetentionRequest(versions=MONTH, landing="list"))
    assert (due.aged.versions, due.aged.processes, due.aged.records) == (4, 2, 1)
    # The rejected line is as old as the others, and holds the same values.
    assert [(h.file.name, h.lines) for h in due.listing.held] == [("a.ndjson", (1, 2, 3, 6, 7))]
    assert rows(aged, "select count(*) from raw.process_versions where is_erased") == [(0,)]


@pytest.mark.nightly
def test_old_versions_that_come_later_lose_their_values(aged: Settings) -> None:
    retained(aged)
    later = (*LINES[:4], lead(NEW, "NEW", 2, data=OLD), lead(NEW, "NEW", 6, data=YOUNG))
    land(aged, {"b.ndjson": later})
    build_all(aged, Request())
    assert rows(aged, VERSIONS) == AFTER
    query = "select accepted, duplicates from raw.ingest_files where file_name = 'b.ndjson'"
    assert rows(aged, query) == [(2, 4)]
    query = f"select data->>'email' from raw.process_versions where process_id = '{NEW}'"
    assert rows(aged, f"{query} order by updated_at") == [(None,), ("olga@young-marker.example",)]


@pytest.mark.nightly
def test_a_rebuilt_warehouse_has_nothing_old(aged: Settings) -> None:
    retained(aged)
    aged.warehouse.unlink()
    build_all(aged, Request())
    assert rows(aged, VERSIONS) == AFTER
    assert rows(aged, "select kind, hash from raw.erased") == [("retention", "*")]


@pytest.mark.nightly
def test_landing_files_are_rewritten(aged: Settings) -> None:
    retained(aged, landing="rewrite")
    text = (aged.landing / "a.ndjson").read_text()
    assert [value for value in OLD_VALUES if value in text] == []
    assert text.count("olga@young-marker.example") == 2
    before = rows(aged, "select count(*) from raw.process_versions")
    build_all(aged, Request())
    assert rows(aged, "select count(*) from raw.process_versions") == before
    aged.warehouse.unlink()
    build_all(aged, Request())
    assert rows(aged, VERSIONS) == AFTER


@pytest.mark.nightly
def test_a_run_erases_first_what_the_settings_say(aged: Settings) -> None:
    settings = replace(aged, retain_versions=MONTH)
    result = run_job(settings, Request())
    assert result.ingest.notes == ["Too old and erased: 4 versions of 2 processes, 1 record"]
    assert rows(aged, VERSIONS) == AFTER
    assert result.generation is not None
    assert run_job(settings, Request()).ingest.notes == []
    assert rows(aged, "select count(*) from raw.erasures") == [(1,)]


@pytest.mark.nightly
def test_an_interrupted_retention_is_completed(
    aged: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pipelines.defs.retention.rewrite_warehouse", stop)
        with pytest.raises(KeyboardInterrupt):
            retained(aged)
    assert rows(aged, "select count(*) from raw.erasures where matches is null") == [(1,)]
    assert retained(aged).proof is not None
    assert rows(aged, "select count(*), count(matches) from raw.erasures") == [(2, 2)]


@pytest.mark.nightly
def test_the_command_says_what_it_did(aged: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADTIME_PROCEDURES", str(aged.procedures))
    ran = leadtime("retain", "--versions", "30d", "--dry-run", "--data", aged.data)
    assert "To erase   4 versions of 2 processes, 1 record\n" in ran.out
    assert "Landing    5 lines still in 1 file" in ran.out
    assert "Nothing was changed." in ran.out
    monkeypatch.setenv("LEADTIME_RETAIN_VERSIONS", "30d")
    renewed: list[Settings] = []
    monkeypatch.setattr(erasure, "renew_copies", lambda _, settings: renewed.append(settings))
    ran = leadtime("retain", "--landing", "rewrite", "--data", aged.data)
    assert [settings.data for settings in renewed] == [aged.data]
    assert "Erased     4 versions of 2 processes, 1 record\n" in ran.out
    assert "Landing    5 lines rewritten in 1 file" in ran.out
    assert ": 0 matches" in ran.out
    ran = leadtime("retain", "--data", aged.data)
    assert "Nothing is too old: nothing was changed." in ran.out


def test_no_age_is_refused(aged: Settings) -> None:
    assert (
        "Give --versions, --quarantine-text or both." in leadtime("retain", "--data", aged.data).err
    )
