"""`leadtime backup`, `verify` and `forget`, as the shell sees them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.settings import Settings
from pipelines.warehouse.inspection import inspect_warehouse, rebuild_sample
from pipelines.warehouse.open import open_warehouse
from schemas.errors import OperationError
from schemas.load import load_procedures
from tests.support.command_line import leadtime
from tests.support.published import published_simulated


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return published_simulated(tmp_path_factory)


def damage(path: Path, share: float) -> None:
    """Flip a bit in each of many blocks from a share of the file on."""
    whole = bytearray(path.read_bytes())
    for place in range(int(len(whole) * share), len(whole), 4096):
        whole[place] ^= 0x01
    path.chmod(0o644)
    path.write_bytes(whole)


def test_a_backup_is_a_data_folder_and_verifies(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    made = leadtime("backup", folder, "--data", settings.data)
    assert made.code == 0, made
    assert f"leadtime verify --data {folder} --procedures {folder / 'procedures'}" in made.out
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {
        "warehouse.duckdb",
        "ledger.ndjson",
        "current.json",
        "analytics.duckdb",
        "analytics/analytics-000001.duckdb",
        "people/people-000001.duckdb",
        "secret/pepper",
        "procedures/lead.yaml",
        "procedures/scoring.py",
    } <= names
    assert (folder / "analytics.duckdb").resolve() == folder / "analytics/analytics-000001.duckdb"
    assert (folder / "people.duckdb").resolve() == folder / "people/people-000001.duckdb"
    assert (folder / "secret/pepper").read_text() == settings.pepper.read_text()
    assert (folder / "secret/pepper").stat().st_mode & 0o777 == 0o600
    query = ["query", "from flow_weekly", "--csv", "-", "--data"]
    assert leadtime(*query, folder).out == leadtime(*query, settings.data).out
    with duckdb.connect() as con:
        for name, path in (("here", settings.warehouse), ("there", folder / "warehouse.duckdb")):
            con.execute(f"attach '{path}' as {name} (read_only)")
        tables = con.execute(
            "select format('{}.\"{}\"', schema_name, table_name) from duckdb_tables() "
            "where database_name = 'here'"
        ).fetchall()
        assert len(tables) > 10
        for (table,) in tables:
            query = f"select count(*) from (from here.{table} except all from there.{table})"
            assert con.execute(query).fetchall() == [(0,)], table

    verified = leadtime("verify", "--data", folder, "--procedures", folder / "procedures")
    assert verified.code == 0, verified
    assert "every block is sound" in verified.out
    assert "Checks     all 7 hold" in verified.out
    assert "rebuilt, all rows are equal" in verified.out

    refused = leadtime("backup", folder, "--data", settings.data)
    assert refused.code == 1
    assert "is not empty. Name a new or an empty folder." in refused.err
    none = leadtime("backup", tmp_path / "b", "--data", tmp_path / "nothing")
    assert "there is no warehouse yet" in none.err
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("which", ["warehouse", "generation"])
def test_a_damaged_block_is_found(settings: Settings, which: str) -> None:
    path = settings.warehouse if which == "warehouse" else settings.published.resolve()
    damage(path, 0.3)
    found = leadtime("verify", "--data", settings.data)
    assert found.code == 1
    assert f"{path}: the file is damaged." in found.err


def test_rows_that_do_not_follow_from_their_versions_are_found(settings: Settings) -> None:
    definitions = load_procedures(settings.procedures)
    with inspect_warehouse(settings) as con:
        processes, different = rebuild_sample(con, definitions)
        assert different == {}
        count = "select count(distinct process_id) from warehouse.raw.process_versions"
        total = con.execute(count).fetchall()[0][0]
        assert processes == -(-total // 100)
        (sampled,) = con.execute("select process_id::varchar from sample limit 1").fetchall()[0]
    with open_warehouse(settings, purpose="a test") as con:
        con.execute(
            "update history.process_lifecycle set n_visits = n_visits + 1 "
            f"where process_id = '{sampled}'"
        )
    found = leadtime("verify", "--data", settings.data)
    assert found.code == 1
    assert "Sample     2 rows of process_lifecycle differ from their raw versions" in found.out
    assert "leadtime run" in found.out
    # An earlier version of leadtime had other columns.
    with open_warehouse(settings, purpose="a test") as con:
        con.execute("alter table config.states drop column probability")
    with (
        inspect_warehouse(settings) as con,
        pytest.raises(OperationError, match="have changed since the tables were built"),
    ):
        rebuild_sample(con, definitions)


def test_an_identity_that_does_not_hold_is_found(settings: Settings) -> None:
    with open_warehouse(settings, purpose="a test") as con:
        con.execute("update raw.ingest_files set blank = blank + 1 where file_seq = 1")
    found = leadtime("verify", "--data", settings.data)
    assert found.code == 1
    assert "Check failed: ingest_identity: It does not hold in 1 case." in found.out


@pytest.mark.nightly
def test_a_file_can_be_forgotten_and_the_next_run_publishes_without_it(
    settings: Settings,
) -> None:
    def files() -> list[tuple[str, str, int]]:
        with duckdb.connect(settings.published, read_only=True) as con:
            query = "select file_name, status, accepted from ingest_files order by file_seq"
            return con.execute(query).fetchall()

    before = files()
    name = before[1][0]
    gone = leadtime("forget", name, "--data", settings.data)
    assert gone.code == 0, gone
    assert f"{name}: " in gone.out
    assert f"leadtime run --data {settings.data}" in gone.out
    done = leadtime("run", "--data", settings.data)
    assert done.code == 0, done
    after = files()
    assert after[1] == (name, "forgotten", 0)
    assert [row[0] for row in after] == [row[0] for row in before]
    unknown = leadtime("forget", "nothing.ndjson", "--data", settings.data)
    assert unknown.code == 1
    assert "is not a file of the ledger" in unknown.err
