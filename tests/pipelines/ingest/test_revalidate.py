"""Revalidation of stored versions: what is validated, what changes, and that nothing is half done."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines.cli.main import app
from pipelines.ingest.revalidate import revalidate
from pipelines.run import Request, open_run
from pipelines.settings import Settings
from pipelines.simulator import simulate
from pipelines.warehouse.open import open_warehouse
from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures
from tests.support import changing_job as job
from tests.support.changing_job import ATTRIBUTES, DEFINITION, OTHER, Definition, changed
from tests.support.definition_runs import copied, run, warehouse

COLOUR = job.attribute(job.COLOUR, "colour", "text")
VIOLATIONS = """
    select ingest_seq, rule, severity, column_name, value
    from raw.violations where procedure_id = $job order by all
"""


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = warehouse(tmp_path_factory.mktemp("first"), job.first_lines())
    run(settings, DEFINITION, OTHER)
    return settings


@pytest.fixture
def settings(first: Settings, tmp_path: Path) -> Settings:
    """A warehouse that has taken in the first lines by the first definition."""
    settings = copied(first, tmp_path)
    job.write_definitions(settings.procedures, DEFINITION, OTHER)
    return settings


@pytest.fixture
def con(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(settings, purpose="a test") as con:
        yield con


def defined(settings: Settings, definition: Definition) -> Procedures:
    job.write_definitions(settings.procedures, definition, OTHER)
    return load_procedures(settings.procedures)


def versions(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute("from raw.process_versions order by ingest_seq").fetchall()


def violations(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute(VIOLATIONS, {"job": job.JOB}).fetchall()


@pytest.mark.nightly
def test_only_the_versions_of_the_changed_procedure_are_validated(
    settings: Settings, con: duckdb.DuckDBPyConnection
) -> None:
    told: list[tuple[str, int, int]] = []
    procedures = defined(settings, changed(attributes=[*ATTRIBUTES, COLOUR]))
    found = revalidate(con, procedures, progress=lambda *step: told.append(step))
    assert found == {"job": 14}
    assert told == [("job", 0, 14), ("job", 14, 14)]
    assert revalidate(con, procedures) == {}


@pytest.mark.nightly
def test_a_run_says_what_was_validated_again(settings: Settings) -> None:
    built = run(settings, changed(attributes=[*ATTRIBUTES, COLOUR]), OTHER)
    assert built.report.revalidated == {"job": 14}
    assert run(settings, changed(attributes=[*ATTRIBUTES, COLOUR]), OTHER).report.revalidated == {}


@pytest.mark.nightly
def test_the_command_says_what_was_validated_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("data", "landing", "procedures"):
        monkeypatch.setenv(f"LEADTIME_{name.upper()}", str(getattr(settings, name)))
    job.write_definitions(settings.procedures, changed(attributes=[*ATTRIBUTES, COLOUR]), OTHER)
    result = CliRunner().invoke(app, ["run"], catch_exceptions=False)
    assert "validating versions of job again: 14 of 14" in result.stdout
    assert "Changed  14 versions of job validated again\n" in result.stdout
    assert "validated again" not in CliRunner().invoke(app, ["run"], catch_exceptions=False).stdout


@pytest.mark.parametrize(
    "definition",
    [
        changed(name="Job", funnels=[], stategraph=None, primaryKey="size"),
        changed(states=DEFINITION["states"][::-1]),
        changed(attributes=[*ATTRIBUTES[:3], ATTRIBUTES[3] | {"unique": True, "track": True}]),
        changed(strict=True),
    ],
)
def test_what_does_not_validate_documents_revalidates_nothing(
    definition: Definition, settings: Settings, con: duckdb.DuckDBPyConnection
) -> None:
    assert revalidate(con, defined(settings, definition)) == {}


def test_violations_are_those_of_the_new_definition(
    settings: Settings, con: duckdb.DuckDBPyConnection
) -> None:
    con.execute(
        "insert into raw.violations select ingest_seq, 1, process_id, procedure_id, "
        "'core:record_id:type', 'null', 'record', 'x', updated_at from raw.process_versions "
        "where procedure_id = $job order by ingest_seq limit 1",
        {"job": job.JOB},
    )
    size = ATTRIBUTES[1] | {"options": ["S", "L", "M"], "required": True, "personal": True}
    revalidate(con, defined(settings, changed(attributes=[ATTRIBUTES[0], size])))
    found = [(rule, value) for _, rule, _, _, value in violations(con)]
    assert ("core:record_id:type", "x") in found
    assert sorted({rule for rule, _ in found}) == [
        "attr:*:declared",
        "attr:size:isin",
        "attr:size:required",
        "core:completed_at:order",
        "core:record_id:type",
        "derived:*:declared",
        "derived:worth:as_text",
        "derived:worth:type",
    ]
    assert [value for rule, value in found if rule == "attr:size:isin"] == ["***"]
    assert len([rule for rule, _ in found if rule == "attr:size:required"]) == 7


def test_an_accepted_version_stays_where_it_would_be_rejected_now(
    settings: Settings, con: duckdb.DuckDBPyConnection
) -> None:
    before = len(versions(con))
    wanted = ATTRIBUTES[1] | {"options": ["S"]}
    strict = changed(strict=True, attributes=[ATTRIBUTES[0], wanted])
    assert revalidate(con, defined(settings, strict)) == {"job": 14}
    assert len(versions(con)) == before
    severities = [row[2] for row in violations(con) if row[1] == "attr:size:isin"]
    assert severities
    assert set(severities) == {"null"}


def test_versions_that_become_equal_are_duplicates_in_the_ledger(
    settings: Settings, con: duckdb.DuckDBPyConnection
) -> None:
    ledger = "select accepted, duplicates, quarantined from raw.ingest_files"
    assert con.execute(ledger).fetchall() == [(16, 0, 0)]
    gain = job.attribute(job.GAIN, "gain", "integer")
    derived = [*DEFINITION["derivedAttributes"], gain]
    revalidate(con, defined(settings, changed(derivedAttributes=derived)))
    assert con.execute(ledger).fetchall() == [(16, 0, 0)], "only one of two keys is known"
    both = changed(attributes=[*ATTRIBUTES, COLOUR], derivedAttributes=derived)
    revalidate(con, defined(settings, both))
    assert con.execute(ledger).fetchall() == [(15, 1, 0)]
    kept = con.execute("select ingest_seq % 100 from raw.process_versions order by 1").fetchall()
    assert [line for (line,) in kept] == [*range(1, 11), *range(12, 17)]
    # What was one version of the two stays one, though they differ again.
    revalidate(con, defined(settings, DEFINITION))
    assert con.execute(ledger).fetchall() == [(15, 1, 0)]


def test_a_failure_leaves_everything_as_it_was(
    settings: Settings, con: duckdb.DuckDBPyConnection
) -> None:
    before = versions(con), violations(con)
    procedures = defined(settings, changed(attributes=[COLOUR, ATTRIBUTES[0]]))

    def fail(_: str, done: int, __: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        revalidate(con, procedures, progress=fail)
    assert (versions(con), violations(con)) == before
    assert revalidate(con, procedures) == {"job": 14}
    assert (versions(con), violations(con)) != before


def test_a_warehouse_that_does_not_know_its_definitions_is_validated_once(
    settings: Settings,
) -> None:
    with open_warehouse(settings, purpose="a test") as con:
        before = versions(con), violations(con)
        con.execute("drop table raw.validated_by")
    with open_warehouse(settings, purpose="a test") as con:
        assert revalidate(con, load_procedures(settings.procedures)) == {"job": 14, "task": 2}
        assert (versions(con), violations(con)) == before


@pytest.mark.nightly
def test_revalidation_by_the_same_definition_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulated files, with all their damage, in chunks of a few hundred versions."""
    monkeypatch.setattr("pipelines.ingest.revalidate.CHUNK_BYTES", 150_000)
    settings = Settings(data=tmp_path / "data", landing=tmp_path / "landing")
    end = datetime(2026, 3, 1, tzinfo=UTC)
    simulate(settings.landing, versions=1_000, seed=5, end=end)
    procedures = load_procedures(settings.procedures)
    told: list[int] = []
    everything = "from raw.violations order by all"
    with open_run(settings, Request(), purpose="a test") as opened:
        opened.ingest()
        con = opened.con
        before = versions(con), con.execute(everything).fetchall()
        con.execute("delete from raw.validated_by")
        counts = revalidate(con, procedures, progress=lambda _, done, __: told.append(done))
        by_new_batch = "select * replace (1 as batch_seq) from raw.violations order by all"
        assert (versions(con), con.execute(by_new_batch).fetchall()) == before
    assert sum(counts.values()) == len(before[0])
    assert len(told) > 6
