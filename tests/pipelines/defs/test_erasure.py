"""An erasure from beginning to end: nothing is found afterwards, and no figure has changed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.defs.erasure import Erasure, ErasureRequest, erase, plan_erasure
from pipelines.ingest.erasing.again import erased_subjects
from pipelines.ingest.quarantine import replay
from pipelines.run import Request
from pipelines.settings import PROCEDURES_FOLDER, Settings, now
from pipelines.warehouse.open import open_warehouse
from schemas.compiled.masking import published_tables
from schemas.errors import OperationError
from schemas.load import load_procedures
from tests.support.builds import build_all
from tests.support.command_line import leadtime
from tests.support.erasing import (
    ANN,
    BEA,
    FIRST,
    MINE,
    NEW,
    OTHER,
    RECORDS,
    SECOND,
    USER,
    USERS,
    VALUES,
    found_anywhere,
    land,
    lead,
)

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
# They say what was erased, or built when.
LEDGER = {"ingest_files", "erasures", "build", "catalog"}
# A bad value of a field may name a person, whatever the field.
ALSO_PERSONAL = {("violations", "value")}
TABLES = published_tables(load_procedures(PROCEDURES_FOLDER))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after two runs, with two generations."""
    settings = Settings(data=tmp_path_factory.mktemp("people"))
    settings = replace(settings, landing=settings.data / "landing")
    land(settings, {"a.ndjson": FIRST, "records.ndjson": RECORDS, "users.ndjson": USERS})
    build_all(settings, Request(as_of=AS_OF))
    land(settings, {"b.ndjson": SECOND})
    build_all(settings, Request(as_of=AS_OF))
    return settings.data


@pytest.fixture
def people(template: Path, tmp_path: Path) -> Settings:
    shutil.copytree(template, tmp_path / "data", symlinks=True)
    return Settings(data=tmp_path / "data", landing=tmp_path / "data" / "landing")


def erased(settings: Settings, **how: Any) -> Erasure:
    return erase(settings, ErasureRequest(**how))


def tables_at(settings: Settings, out: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The tables as at `AS_OF`, built into a database of their own."""
    return tables(build_all(settings, Request(as_of=AS_OF, out=out)))


def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All columns of a published database that are not personal; the ledger apart."""
    with duckdb.connect(path, read_only=True) as con:
        return {
            table.name: con.execute(f'select {columns} from "{table.name}" order by all').fetchall()
            for table in TABLES
            if table.name not in LEDGER
            and (
                columns := ", ".join(
                    f'"{c.name}"'
                    for c in table.columns
                    if c.personal == "no"
                    and (table.name, c.name) not in ALSO_PERSONAL
                    and not c.name.endswith("_key")
                )
            )
        }


def rows(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with open_warehouse(settings, purpose="a test") as con:
        return con.execute(query).fetchall()


def test_nothing_is_left_and_no_figure_changes(people: Settings, tmp_path: Path) -> None:
    before = tables(people.published)
    assert len(found_anywhere(people.data, VALUES, leave_out=people.landing)) > len(VALUES)
    erasure = erased(people, process=ANN)
    assert found_anywhere(people.data, VALUES, leave_out=people.landing) == []
    assert erasure.proof.matches.total == 0
    assert {"Annegret Musterfrau-Zeisig", "Zeisig trading company"} <= {*erasure.plan.own.texts}
    assert erasure.proof.removed_generations == 2

    after = tables_at(people, tmp_path / "after.duckdb")
    assert {name for name in before if before[name] != after[name]} == set()
    assert len(before) > 55
    query = (
        "select data->>'full_name', data->>'email', data->>'phone', data->>'utm', data->>'plan', "
        f"created_by::varchar from raw.process_versions where process_id = '{ANN}'"
    )
    assert rows(people, query) == [(None, None, None, None, "Team", USER)] * 4
    query = f"select distinct data->>'email' from raw.process_versions where process_id = '{BEA}'"
    assert rows(people, query) == [("bea@other.example",)]
    with duckdb.connect(people.published, read_only=True) as con:
        query = "select rule, value from violations where column_name = 'belongsTo'"
        assert con.execute(query).fetchall() == [("core:pod_id:uuid", None)]
        assert con.execute(
            "select kind, processes, versions, dimension_rows, quarantined_lines, landing_lines, "
            "matches, searched_values from erasures"
        ).fetchall() == [("process", 1, 4, 1, 3, 0, 0, len(erasure.plan.own.texts))]
    assert rows(
        people,
        "select file_name, lines, accepted, duplicates, quarantined, blank, erased "
        "from raw.ingest_files where content = 'processes' order by file_seq",
    ) == [("a.ndjson", 11, 4, 1, 3, 1, 2), ("b.ndjson", 3, 3, 0, 0, 0, 0)]
    shown = leadtime("status", "--data", people.data).out
    assert re.search(r"Lines +\d+ = .* 3 quarantined \+ 1 blank \+ 2 erased", shown), shown


def test_rows_that_a_source_of_another_folder_reads_are_listed(
    people: Settings, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "deals.yaml").write_text(
        "{name: deals, shape: records, files: deals.csv, procedure: lead, "
        "fields: {id: id, state: state, status: status, createdAt: at, updatedAt: at}}"
    )
    row = "D1,NEW,OPEN,2026-01-01,Annegret Musterfrau-Zeisig"
    (people.landing / "deals.csv").write_text(f"id,state,status,at,owner\n{row}\n")
    for sources, held in ((None, []), (tmp_path / "elsewhere", [("deals.csv", (2,))])):
        plan = plan_erasure(replace(people, sources=sources), ErasureRequest(process=ANN))
        found = [(h.file.name, h.lines) for h in plan.listing.held]
        assert [one for one in found if one[0] == "deals.csv"] == held


def test_a_dry_run_changes_nothing(people: Settings) -> None:
    def content() -> dict[str, bytes]:
        return {
            str(path): path.read_bytes()
            for path in people.data.rglob("*")
            if path.is_file() and path.name != "lease.json"
        }

    before = content()
    plan = plan_erasure(people, ErasureRequest(process=ANN))
    assert content() == before
    assert plan.subject.processes == (ANN,)
    assert [(held.file.name, held.lines) for held in plan.listing.held] == [
        ("a.ndjson", (1, 3, 4, 5, 6, 7, 8)),
        ("b.ndjson", (1,)),
        ("records.ndjson", (1,)),
    ]
    assert plan.changes.cells == {
        "process_versions.data": 4,
        "dimension_rows.data": 1,
        "quarantine.raw_text": 3,
        "violations.value": 1,
    }


@pytest.mark.nightly
def test_lines_that_come_later_count_without_personal_values(
    people: Settings, tmp_path: Path
) -> None:
    """The same lines, with and without the erasure before them, give the same figures."""
    other = Settings(data=tmp_path / "other", landing=tmp_path / "other" / "landing")
    shutil.copytree(people.data, other.data, symlinks=True)
    later = (
        *FIRST[:5],
        lead(ANN, "PROPOSAL", 9, data=MINE | {"full_name": "Annegret zeisig-secret"}),
        lead(ANN, "GONE", 10),
        lead(ANN, "LOST", 11)[:-30] + b"\n",
        lead(BEA, "QUALIFIED", 12, data=OTHER),
    )
    erased(people, process=ANN)
    for settings in (people, other):
        land(settings, {"c.ndjson": later})
        (settings.landing / "records-2").mkdir()
        (settings.landing / "records-2" / "records.ndjson").write_bytes(
            RECORDS[0].replace(b"12", b"15")
        )
        build_all(settings, Request())
    assert found_anywhere(people.data, VALUES, leave_out=people.landing) == []
    left, right = (tables_at(s, tmp_path / f"{s.data.name}.duckdb") for s in (people, other))
    # Both say when the runs were, which are not the same.
    different = {name for name in left if left[name] != right[name]}
    assert different <= {"quarantine", "data_quality"}
    ledger = (
        "select lines, accepted, duplicates, quarantined + erased, blank from raw.ingest_files "
        "order by file_seq"
    )
    assert rows(people, ledger) == rows(other, ledger)
    query = "select rules, procedure, line_of(ingest_seq) from raw.quarantine order by ingest_seq"
    assert rows(people, query) == rows(other, query)
    build_all(people, Request(full=True, publish=True))
    assert found_anywhere(people.data, VALUES, leave_out=people.landing) == []


@pytest.mark.nightly
def test_replayed_lines_count_without_personal_values(people: Settings, tmp_path: Path) -> None:
    """The rejected line becomes a version once its state is defined."""
    erased(people, process=ANN)
    folder = tmp_path / "procedures"
    shutil.copytree(PROCEDURES_FOLDER, folder)
    path = folder / "lead.yaml"
    gone = "  - {id: 30000000-0000-4000-8000-000000000001, shortId: GONE, kind: work}\nstartState:"
    text = path.read_text().replace("startState:", gone, 1)
    path.write_text(text.replace("  NEW: [", "  GONE: [LOST]\n  NEW: [GONE, ", 1))
    procedures = load_procedures(folder)
    with open_warehouse(people, purpose="a test") as con:
        subjects = erased_subjects(con, people, procedures)
        report = replay(con, procedures, started_at=now(), erased=subjects)
        assert (report.counts.accepted, report.counts.quarantined) == (1, -1)
        assert con.execute(
            "select is_erased, data->>'score', data->>'full_name' from raw.process_versions "
            "where line_of(ingest_seq) = 6 and file_of(ingest_seq) = 1"
        ).fetchall() == [(True, "20", None)]
    build_all(replace(people, procedures=folder), Request())
    assert found_anywhere(people.data, VALUES, leave_out=people.landing) == []


@pytest.mark.nightly
def test_a_value_is_recognized_in_later_processes(people: Settings) -> None:
    erasure = erased(people, value="email= Annegret@Zeisig-Marker.example")
    assert erasure.plan.subject.processes == (ANN,)
    assert found_anywhere(people.data, VALUES, leave_out=people.landing) == []
    email = {"email": "ANNEGRET@zeisig-marker.example"}
    land(
        people,
        {
            "c.ndjson": (
                lead(NEW, "NEW", 20, data={"full_name": "Zeisig newsletter", "score": 1}),
            ),
            "d.ndjson": (
                lead(NEW, "CONTACTED", 21, data=MINE | email),
                lead(NEW, "NOWHERE", 22, data=MINE | email),
                lead(BEA, "LOST", 23, data=OTHER),
            ),
        },
    )
    build_all(people, Request())
    query = (
        "select data->>'full_name', is_erased from raw.process_versions "
        f"where process_id = '{NEW}' order by updated_at"
    )
    assert rows(people, query) == [(None, True), (None, True)]
    assert rows(people, "select count(*) from raw.quarantine where raw_text like '%eisig%'") == [
        (0,)
    ]
    assert rows(
        people,
        "select data->>'full_name' from raw.process_versions "
        f"where process_id = '{BEA}' and updated_at = (select max(updated_at) from "
        f"raw.process_versions where process_id = '{BEA}')",
    ) == [("Bea Other",)]


@pytest.mark.nightly
@pytest.mark.parametrize("keeps_warehouse", [False, True])
def test_a_warehouse_that_is_built_again_or_restored_has_nothing(
    people: Settings, tmp_path: Path, keeps_warehouse: bool
) -> None:
    backup = tmp_path / "backup.duckdb"
    shutil.copy(people.warehouse, backup)
    erased(people, process=ANN)
    people.warehouse.unlink()
    if keeps_warehouse:
        shutil.copy(backup, people.warehouse)
    build_all(people, Request())
    query = "select count(*), count(data->>'email') from raw.process_versions where process_id = "
    assert rows(people, f"{query}'{ANN}'") == [(4, 0)]
    assert rows(people, "select count(*) from raw.erasures") == [(1,)]
    people_key = people.data / "erasures.key"
    people_key.unlink()
    land(people, {"z.ndjson": (lead(NEW, "NEW", 30),)})
    with pytest.raises(OperationError, match="the key of the erasures is missing"):
        build_all(people, Request())


@pytest.mark.nightly
def test_a_user_loses_the_name_and_keeps_the_id(people: Settings) -> None:
    erasure = erased(people, user=USER)
    assert erasure.plan.changes.cells == {"dimension_rows.data": 1}
    assert found_anywhere(people.data, ["Ulla Clerk"], leave_out=people.landing) == []
    query = "select name, data::varchar from raw.dimension_rows where dimension = 'users'"
    assert rows(people, query) == [(None, f'{{"id":"{USER}"}}')]
    with duckdb.connect(people.published, read_only=True) as con:
        query = "select count(*) > 0 from assignments where assigned_to is not null"
        assert con.execute(query).fetchall() == [(True,)]


@pytest.mark.nightly
def test_an_interrupted_erasure_is_completed(
    people: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pipelines.defs.erasure.rewrite_warehouse", stop)
        with pytest.raises(KeyboardInterrupt):
            erased(people, process=ANN)
    erased(people, process=ANN)
    assert found_anywhere(people.data, VALUES, leave_out=people.landing) == []
    assert rows(people, "select count(*), count(matches) from raw.erasures") == [(2, 2)]


@pytest.mark.parametrize("do", [erase, plan_erasure])
def test_what_cannot_be_erased_says_why(
    template: Path, do: Callable[[Settings, ErasureRequest], object]
) -> None:
    settings = Settings(data=template, landing=template / "landing")
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"process": "x"}, r"--process: it is not an id\. Give the uuid"),
        ({"process": NEW}, rf"--process: there is nothing about {NEW}"),
        ({"user": NEW}, rf"--user: there is no user {NEW}"),
        ({"value": "shoe=42"}, r"--value: 'shoe' is not a declared attribute\. Name one of"),
        ({"value": "annegret@x"}, r"--value: it is not ATTRIBUTE=VALUE"),
        ({"value": "email=zz@marker.example"}, r"--value: no process has this value of email"),
    )
    for how, message in cases:
        with pytest.raises(OperationError, match=message) as raised:
            do(settings, ErasureRequest(**how))
        assert "marker" not in str(raised.value)


@pytest.mark.nightly
def test_a_value_of_many_processes_needs_a_word(people: Settings) -> None:
    many = [
        lead(f"10000000-0000-4000-8000-0000000001{n:02}", "NEW", n, data=OTHER) for n in range(11)
    ]
    land(people, {"c.ndjson": many})
    build_all(people, Request())
    with pytest.raises(OperationError, match=r"13 processes have this value of email.*add `--yes`"):
        erased(people, value="email=bea@other.example")
    erasure = erased(people, value="lead.email=bea@other.example", is_sure=True)
    assert len(erasure.plan.subject.processes) == 13
    with pytest.raises(OperationError, match="is erased already"):
        erased(people, value="email=bea@other.example", is_sure=True)


@pytest.mark.nightly
def test_a_value_that_is_left_somewhere_fails_the_erasure(people: Settings) -> None:
    (people.data / "notes.txt").write_text("call ANNEGRET@zeisig-marker.example!")
    with pytest.raises(OperationError, match=r"erased, but a value is still found in notes\.txt"):
        erased(people, process=ANN)
    (people.data / "notes.txt").unlink()
