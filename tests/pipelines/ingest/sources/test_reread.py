"""Files are read again when their source or their procedure has changed."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.ingest.files import IngestReport
from pipelines.ingest.forget import forget
from pipelines.ingest.sources.fingerprint import fingerprint_source
from pipelines.run import Request, open_run
from pipelines.settings import Settings
from pipelines.warehouse.open import open_warehouse
from schemas.errors import OperationError
from schemas.load import load_procedures
from tests.support.source_zone import EXAMPLES

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    shutil.copytree(EXAMPLES / "stage_rows", tmp_path / "defs")
    return Settings(
        data=tmp_path / "data", landing=tmp_path / "defs" / "landing", procedures=tmp_path / "defs"
    )


def take_in(settings: Settings) -> IngestReport:
    with open_run(settings, Request(as_of=AS_OF), purpose="a test") as run:
        return run.ingest()


def edit(settings: Settings, name: str, old: str, new: str) -> None:
    path = settings.procedures / name
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(settings.warehouse) as con:
        return con.execute(query).fetchall()


COUNTS = "select file_seq, accepted, quarantined from raw.ingest_files order by 1"
SOURCE = "sources/opportunity_history.yaml"


def test_an_unchanged_source_is_not_read_again(settings: Settings) -> None:
    take_in(settings)
    report = take_in(settings)
    assert (report.files, report.seen_before, report.notes) == (0, 1, [])


def test_a_changed_source_reads_its_files_again(settings: Settings) -> None:
    take_in(settings)
    assert rows(settings, COUNTS) == [(1, 9, 1)]
    edit(settings, SOURCE, "{Closed Won", "{Discovery: PROSPECTING, Closed Won")
    report = take_in(settings)
    assert report.files == 1
    assert report.notes == ["Read again, as their source has changed: 1 file"]
    assert rows(settings, COUNTS) == [(1, 10, 0)]


def test_other_names_of_files_change_nothing(settings: Settings) -> None:
    take_in(settings)
    edit(settings, SOURCE, "files: crm/opportunity_history*.tsv", "files: crm/")
    assert take_in(settings).files == 0


def test_rejected_rows_are_read_again_with_another_procedure(settings: Settings) -> None:
    take_in(settings)
    new = "  - {id: 6d1f5a0e-0c1b-5f4e-9d0a-3a2b1c0d0065, shortId: DISCOVERY, kind: queue}\n"
    edit(settings, "opportunity.yaml", "startState", f"{new}startState")
    assert take_in(settings).files == 1
    assert rows(settings, COUNTS) == [(1, 10, 0)]


def test_another_procedure_leaves_files_without_rejected_rows_alone(settings: Settings) -> None:
    path = settings.landing / "crm" / "opportunity_history.tsv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    take_in(settings)
    edit(settings, "opportunity.yaml", "within: 90d", "within: 60d")
    assert take_in(settings).files == 0
    procedures = load_procedures(settings.procedures)
    (source,) = procedures.file_sources
    stored = rows(settings, "select source_fingerprint from raw.ingest_files")
    assert stored == [(fingerprint_source(source, procedures),)]


def test_a_file_that_is_gone_stays_as_it_was_read(settings: Settings) -> None:
    take_in(settings)
    (settings.landing / "crm" / "opportunity_history.tsv").unlink()
    edit(settings, SOURCE, "names: {assignedTo: Owner}\n", "")
    report = take_in(settings)
    assert report.notes == [
        "Not in the landing folder, so left as they were read: 1 file of changed sources"
    ]
    assert rows(settings, COUNTS) == [(1, 9, 1)]


def test_a_file_told_anew_keeps_what_was_known_of_the_past(settings: Settings) -> None:
    take_in(settings)
    first = settings.landing / "crm" / "opportunity_history.tsv"
    again = first.read_text().replace("\t500\n", "\t600\n")
    later = "O-2\tClosed Won\t02/02/2026 10:00 AM\t005B\tSam Roy\t600\n"
    (first.parent / "opportunity_history_2.tsv").write_text(again + later)
    take_in(settings)
    query = """
        select (data->>'amount')::int from raw.process_versions
        where data->>'number' = 'O-2' order by updated_at
    """
    assert [amount for (amount,) in rows(settings, query)] == [500, 500, 600]


def test_a_later_file_that_is_missing_leaves_all_as_it_was(settings: Settings) -> None:
    take_in(settings)
    first = settings.landing / "crm" / "opportunity_history.tsv"
    second = first.parent / "opportunity_history_2.tsv"
    second.write_text(f"{first.read_text()}O-9\tProspecting\t02/02/2026 10:00 AM\t005B\tSam\t1\n")
    take_in(settings)
    before = rows(settings, COUNTS)
    second.unlink()
    edit(settings, SOURCE, "names: {assignedTo: Owner}\n", "")
    with pytest.raises(OperationError, match=r"Bring back crm/opportunity_history_2\.tsv"):
        take_in(settings)
    assert rows(settings, COUNTS) == before


def test_what_continues_a_forgotten_file_is_read_again(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "event_log", tmp_path / "defs")
    landing = tmp_path / "defs" / "landing"
    settings = Settings(data=tmp_path / "data", landing=landing, procedures=tmp_path / "defs")
    more = "case;changed;field;from;to\nC-5;10.01.2026 14:00;Owner;;bo\n"
    (landing / "audit_2027.csv").write_text(more)
    take_in(settings)
    query = "select epoch_ms(created_at) from raw.process_versions order by ingest_seq desc limit 1"
    assert rows(settings, query) == [(1_767_963_600_000,)]  # the creation, in the first file
    procedures = load_procedures(settings.procedures)
    with open_warehouse(settings, purpose="a test") as con:
        gone = forget(con, settings, procedures, "audit_2026.csv", started_at=AS_OF)
    assert gone.reread.files == 1
    assert rows(settings, query) == [(1_768_050_000_000,)]  # the first that is known now
