"""The job as Dagster runs it: what it publishes, what stops it, and what it tells."""

import os
import shutil
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from pipelines.definitions import define
from pipelines.defs.assets import build_assets
from pipelines.defs.checks import CHECKS
from pipelines.defs.instance import open_instance, prepare_home, process_tag
from pipelines.defs.lineage import find_lineage
from pipelines.defs.resources import open_session
from pipelines.export.engines.copied import Copied
from pipelines.launch import run_job
from pipelines.publish.generation import current_generation
from pipelines.run import Request
from pipelines.settings import Settings
from pipelines.warehouse.lease import hold_lease
from pipelines.warehouse.open import open_warehouse
from schemas.compiled.wide_table import built_tables
from schemas.errors import DefinitionError, OperationError, WarehouseBusy
from schemas.load import load_procedures
from tests.support.published import published_simulated

PROCEDURES = load_procedures(Settings().procedures)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published_simulated(tmp_path_factory).landing


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A data folder on which the job has run once."""
    data = tmp_path_factory.mktemp("dagster") / "data"
    shutil.copytree(published_simulated(tmp_path_factory).data, data, symlinks=True)
    settings = Settings(data=data, landing=data / "landing", wait_seconds=0)
    assert current_generation(settings)["generation"] == 1
    return settings


def materialize(settings: Settings, *keys: str) -> dg.ExecuteInProcessResult:
    """The chosen assets, with their checks, on an instance that is thrown away."""
    with (
        dg.DagsterInstance.ephemeral() as instance,
        open_session(settings, Request(), purpose="a test") as session,
    ):
        return dg.materialize(
            build_assets(PROCEDURES),
            selection=[dg.AssetKey(key.split("/")) for key in keys],
            instance=instance,
            raise_on_error=False,
            resources={"warehouse": session},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )


def change(settings: Settings, statement: str) -> None:
    with open_warehouse(settings, purpose="a test") as con:
        con.execute(statement)


@pytest.fixture
def broken(settings: Settings) -> Iterator[Settings]:
    """A warehouse in which one process has two rows, until the test is over."""
    change(settings, "create table history.spare as from history.processes limit 1")
    change(settings, "insert into history.processes from history.spare")
    yield settings
    change(
        settings,
        "delete from history.processes where process_id = (select process_id from history.spare)",
    )
    change(settings, "insert into history.processes from history.spare")
    change(settings, "drop table history.spare")


def test_a_run_publishes_and_reports_each_stage(
    settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    stages: list[str] = []
    done: list[int] = []
    before = current_generation(settings)["generation"]

    prefixed = replace(settings, asset_prefix=("crm", "leads"))
    result = run_job(prefixed, Request(publish=True), progress=done.append, on_stage=stages.append)
    with open_instance(settings) as instance:
        for key in ("raw/ingest_files", "core/state_visits", "mart/variants", "analytics"):
            path = ["crm", "leads", *key.split("/")]
            assert instance.get_latest_materialization_event(dg.AssetKey(path))

    assert stages == ["ingest", "core", "marts", "publish"]
    assert list(result.stage_seconds) == stages
    assert sum(done) == sum(path.stat().st_size for path in settings.landing.iterdir())
    assert result.ingest.files == 0
    assert {table.mode for table in result.refreshed} == {"current"}
    assert result.failed_checks == []
    assert result.generation
    assert result.generation.number == before + 1
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")


def test_a_run_copies_what_is_published(settings: Settings, tmp_path: Path) -> None:
    """Also a run with nothing new, after a copy that failed."""
    pytest.importorskip("deltalake", reason="its extra is not installed")
    folder = tmp_path / "tables"
    folder.write_text("")
    settings = replace(settings, publish_to=f"delta://{folder}")
    (error,) = run_job(settings, Request()).copies
    assert isinstance(error, OperationError)
    assert error.found == "is a file"
    folder.unlink()
    result = run_job(settings, Request())
    (copied,) = result.copies
    assert isinstance(copied, Copied)
    assert result.generation
    assert not result.is_new
    assert (copied.generation, copied.is_new) == (result.generation.number, True)


@pytest.mark.nightly
def test_a_run_is_kept_with_its_checks_and_row_counts(settings: Settings) -> None:
    assert run_job(settings, Request(full=True)).generation
    with open_instance(settings) as instance:
        (run,) = instance.get_runs(limit=1)
        assert run.status == dg.DagsterRunStatus.SUCCESS
        assert run.tags["leadtime/full"] == "true"
        told = instance.get_latest_materialization_event(dg.AssetKey(["core", "state_visits"]))
        assert told
        assert told.asset_materialization
        about = told.asset_materialization.metadata
        checked = [
            event.asset_check_evaluation_data
            for event in (entry.dagster_event for entry in instance.all_logs(run.run_id))
            if event and event.event_type_value == "ASSET_CHECK_EVALUATION"
        ]
    assert about["refresh"].value == "full"
    assert set(about) == {"dagster/row_count", "seconds", "refresh", "processes_touched"}
    assert {check.check_name for check in checked} == {check.name for check in CHECKS}


@pytest.mark.nightly
def test_one_procedure_can_be_rebuilt(settings: Settings) -> None:
    """A row that was changed from outside is right again, and others are not looked at."""
    query = "select procedure, count(*) from processes group by procedure"
    with duckdb.connect(str(settings.published), read_only=True) as con:
        processes = dict(con.execute(query).fetchall())
    for procedure in ("lead", "ticket"):
        change(
            settings,
            "update history.state_visits set state = 'CHANGED' where visit_no = 1 "
            f"and procedure = '{procedure}'",
        )
    result = run_job(settings, Request(rebuild=("lead",)))
    (visits,) = [table for table in result.refreshed if table.table == "state_visits"]
    assert (visits.mode, visits.processes) == ("incremental", processes["lead"])
    query = "select distinct procedure from state_visits where state = 'CHANGED'"
    with duckdb.connect(str(settings.published), read_only=True) as con:
        assert con.execute(query).fetchall() == [("ticket",)]
    run_job(settings, Request(rebuild=("ticket", "lead")))
    with duckdb.connect(str(settings.published), read_only=True) as con:
        assert con.execute(query).fetchall() == []


def test_an_unknown_procedure_is_not_rebuilt(settings: Settings) -> None:
    with pytest.raises(OperationError, match=r"found 'leads'.*lead, ticket"):
        run_job(settings, Request(rebuild=("leads",)))


def test_only_sums_are_previewed(settings: Settings) -> None:
    result = materialize(settings, *(key.to_user_string() for key in every_key()))
    events = result.get_asset_materialization_events()
    previewed = {
        event.materialization.asset_key.to_user_string()
        for event in events
        if "preview" in event.materialization.metadata
    }
    assert result.success
    assert {"mart/flow_daily", "mart/duration_stats", "mart/sla_attainment"} <= previewed
    about_one = {"core/processes", "mart/funnel_progress", "mart/stalled_processes"}
    of_people = {"mart/assignee_daily", "mart/assignee_stats", "mart/handoffs"}
    assert not previewed & (about_one | of_people)
    described = {f"{t.layer}/{t.name}": t for t in built_tables(PROCEDURES)}
    for name in previewed:
        columns = described[name].columns
        assert "process_id" not in described[name].column_names, name
        assert not [c.name for c in columns if c.personal != "no"], name


def test_a_failed_check_leaves_the_last_generation(broken: Settings) -> None:
    before = current_generation(broken)
    files = sorted(broken.generations.iterdir())

    result = run_job(broken, Request(publish=True))

    assert result.generation is None
    # Its visits take the team from the process, and are there twice too.
    failed = [check.name for check in result.failed_checks]
    assert failed == ["unique_process", "unique_visit", "visits_touch"]
    assert result.failed_checks[0].sentence.startswith("It does not hold in 1 case.")
    assert "publish" not in result.stage_seconds
    assert current_generation(broken) == before
    assert sorted(broken.generations.iterdir()) == files


def test_publishing_alone_checks_too(broken: Settings) -> None:
    before = current_generation(broken)
    assert not materialize(broken, "analytics").success
    assert current_generation(broken) == before


def test_lines_that_do_not_add_up_stop_everything(settings: Settings) -> None:
    change(settings, "update raw.ingest_files set lines = lines + 1 where file_seq = 1")
    result = run_job(settings, Request())
    change(settings, "update raw.ingest_files set lines = lines - 1 where file_seq = 1")
    assert [check.name for check in result.failed_checks] == ["ingest_identity"]
    assert list(result.stage_seconds) == ["ingest"]


@pytest.fixture(scope="module")
def only_raw(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose files are taken in, and nothing is built."""
    data = tmp_path_factory.mktemp("only_raw")
    raw = sorted(key.path[-1] for key in every_key() if key.path[0] == "raw")
    settings = Settings(data=data, landing=simulated)
    assert materialize(settings, *(f"raw/{table}" for table in raw)).success
    return data


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(key, marks=pytest.mark.nightly)
        for key in ("core/processes", "mart/backlog_daily", "analytics")
    ],
)
def test_a_subset_brings_up_what_it_needs(
    only_raw: Path, simulated: Path, tmp_path: Path, key: str
) -> None:
    settings = Settings(data=tmp_path / "data", landing=simulated)
    shutil.copytree(only_raw, settings.data)
    result = materialize(settings, key)
    made = result.get_asset_materialization_events()
    assert [event.materialization.asset_key.to_user_string() for event in made] == [key]
    assert bool(current_generation(settings)) == (key == "analytics")


@pytest.mark.nightly
def test_an_earlier_instant_goes_to_a_file_of_its_own(settings: Settings, tmp_path: Path) -> None:
    before = current_generation(settings)
    out = tmp_path / "december.duckdb"
    result = run_job(settings, Request(as_of=datetime(2026, 1, 1, tzinfo=UTC), out=out))
    assert result.generation
    assert result.generation.path == out
    assert current_generation(settings) == before
    with duckdb.connect(out, read_only=True) as con:
        latest = con.execute("select max(updated_at) from processes").fetchall()[0][0]
    assert latest < datetime(2026, 1, 1)


def test_errors_of_a_step_come_out_as_they_are(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="nowhere"):
        run_job(replace(settings, landing=tmp_path / "nowhere"), Request())
    with pytest.raises(DefinitionError, match="no procedure files"):
        run_job(replace(settings, procedures=tmp_path), Request())
    with (
        hold_lease(settings.data, purpose="another run", wait_seconds=0),
        pytest.raises(WarehouseBusy, match="another run"),
    ):
        run_job(settings, Request())


def test_an_interrupt_ends_the_run(simulated: Path, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, landing=simulated)
    with pytest.raises(KeyboardInterrupt):
        run_job(settings, Request(), progress=lambda _: os.kill(os.getpid(), signal.SIGINT))
    with open_instance(settings) as instance:
        assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]


def test_runs_of_killed_processes_are_ended(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    job = define(settings, PROCEDURES).resolve_job_def("refresh")
    (tag, me), *_ = process_tag().items()
    host = me.rpartition(":")[0]
    with open_instance(settings) as instance:
        lost, running = (
            instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags={tag: who})
            for who in (f"{host}:{2**22 + 1}", me)
        )
    with open_instance(settings) as instance:
        statuses = [instance.get_run_by_id(run.run_id).status for run in (lost, running)]  # pyright: ignore[reportOptionalMemberAccess]
    assert statuses == [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.STARTED]


def test_the_instance_file_follows_ours(tmp_path: Path) -> None:
    home = prepare_home(Settings(data=tmp_path))
    ours = (home / "dagster.yaml").read_bytes()
    (home / "dagster.yaml").write_text("telemetry: {enabled: true}\n")
    assert prepare_home(Settings(data=tmp_path)) == home
    assert (home / "dagster.yaml").read_bytes() == ours
    with open_instance(Settings(data=tmp_path)) as instance:
        assert not instance.telemetry_enabled


def every_key() -> list[dg.AssetKey]:
    keys = define(Settings(), PROCEDURES).resolve_asset_graph().get_all_asset_keys()
    return sorted(keys)


def test_definitions_say_what_reads_what(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, time_zone="Africa/Cairo")
    definitions = define(settings, PROCEDURES)
    dg.Definitions.validate_loadable(definitions)
    graph = definitions.resolve_asset_graph()
    reads = {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }
    assert reads["raw/process_versions"] == set()
    # For the calendars of the process, whose working time the visit is counted in, and the
    # instants at which stays of any kind begin and end.
    assert reads["core/state_visits"] == {
        "raw/process_versions",
        "core/processes",
        "core/status_spells",
    }
    assert reads["core/quarantine"] == {"raw/quarantine", "raw/ingest_files"}
    # The versions have the values of the breakdown at the entry.
    assert reads["mart/funnel_steps"] == {
        "raw/process_versions",
        "core/process_outcomes",
        "core/processes",
        "core/state_visits",
        "core/status_spells",
    }
    assert reads["analytics"] == {key for key in reads if key.startswith(("core/", "mart/"))}
    assert all(graph.get(key).description for key in graph.get_all_asset_keys())
    (nightly,) = list(definitions.schedules or ())
    assert isinstance(nightly, dg.ScheduleDefinition)
    assert nightly.execution_timezone == "Africa/Cairo"
    assert nightly.default_status == dg.DefaultScheduleStatus.STOPPED
    (landing,) = list(definitions.sensors or ())
    assert landing.default_status == dg.DefaultSensorStatus.STOPPED
    nodes = [graph.get(key) for key in graph.get_all_asset_keys()]
    assert all(node.owners for node in nodes)
    assert {node.group_name for node in nodes} == {"raw", "core", "mart", "published"}
    without_columns = {
        node.key.to_user_string() for node in nodes if "dagster/column_schema" not in node.metadata
    }
    assert without_columns == {"analytics"}
    assert graph.get(dg.AssetKey("analytics")).freshness_policy
    assert not list(tmp_path.iterdir())


def test_upstreams_of_the_same_layer_come_first() -> None:
    lineage = find_lineage(PROCEDURES)
    assert lineage.with_upstreams("mart", ["backlog_daily"]) == ["flow_daily", "backlog_daily"]
    assert lineage.with_upstreams("mart", ["variants"]) == ["variants"]
