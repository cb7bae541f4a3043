"""Tables and files computed by a Spark cluster of two workers on this machine, one of which may die."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.ingest import elsewhere
from pipelines.settings import Settings, from_environment
from pipelines.warehouse.cluster import spark
from pipelines.warehouse.cluster.spark import Spark, engine_of
from schemas.errors import OperationError
from tests.pipelines.warehouse.cluster.test_exchange import computed
from tests.support.jobs import HOUR, START, jobs, version
from tests.support.landing_zone import Zone, lead
from tests.support.warehouse import MemoryWarehouse

needs_spark = pytest.mark.skipif(
    find_spec("pyspark") is None or shutil.which("java") is None,
    reason="needs `--extra spark` and Java 17",
)
_AS_OF = START + 100 * HOUR


class Cluster:
    """A master and two workers with a core each, in their own processes on the loopback."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "master.log"
        self._class = "org.apache.spark.deploy"
        self._all = [self._start("master.Master", "--port", "0", "--webui-port", "0")]
        self.address = self._address()
        self.workers = [
            self._start("worker.Worker", "--cores", "1", "--memory", "1g", self.address)
            for _ in range(2)
        ]
        self._all += self.workers

    def _start(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        home = Path(str(import_module("pyspark").__file__)).parent
        with self._log.open("ab") as log:
            command = [home / "bin" / "spark-class", f"{self._class}.{name}", *options]
            return subprocess.Popen(
                [*command, "--host", "127.0.0.1"],
                env={**os.environ, "SPARK_HOME": str(home), "SPARK_NO_DAEMONIZE": "1"},
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,  # its executors go with it
            )

    def _address(self) -> str:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if found := re.search(r"Starting Spark master at (spark://\S+)", self._log.read_text()):
                return found[1]
            time.sleep(0.2)
        raise AssertionError(self._log.read_text())

    def stop(self) -> None:
        for process in self._all:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    found = Cluster(tmp_path)
    try:
        yield found
    finally:
        found.stop()


def filled() -> MemoryWarehouse:
    warehouse = MemoryWarehouse(jobs())
    ids = [f"10000000-0000-4000-8000-{number:012}" for number in range(60)]
    states = ("NEW", "WORK", "NEW")
    warehouse.add([version(id_, n, state=s) for id_ in ids for n, s in enumerate(states)])
    return warehouse


@needs_spark
@pytest.mark.nightly
@pytest.mark.parametrize("is_killed", [False, True], ids=["both stay", "one is killed"])
def test_the_tables_are_those_of_one_process(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch, is_killed: bool
) -> None:
    monkeypatch.setattr(spark, "BUCKET_VERSIONS", 15)  # so that there are 12 buckets
    shared = tmp_path / "shared"

    def kill_a_worker() -> None:
        while not [*shared.glob("*/history_*/bucket=*/rows.parquet")]:
            time.sleep(0.05)
        os.killpg(cluster.workers[0].pid, signal.SIGKILL)

    if is_killed:
        threading.Thread(target=kill_a_worker, daemon=True).start()
    found = computed(filled(), _AS_OF, Spark(cluster.address, shared))
    assert found == computed(filled(), _AS_OF)
    assert len(found["history.processes"][1]) == 60
    assert (cluster.workers[0].poll() is not None) == is_killed
    assert [*shared.iterdir()] == []


@needs_spark
@pytest.mark.nightly
def test_files_give_what_one_process_takes_in_when_a_worker_is_killed(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "LEAST_BYTES", 0)
    shared = tmp_path / "shared"
    here, divided = Zone(tmp_path / "here"), Zone(tmp_path / "divided")
    for zone in (here, divided):
        for number in range(12):
            lines = [lead(n) for n in range(number, number + 5)]
            zone.put(f"{number:02}.ndjson", *lines, b"no json", lead(90, state="NOWHERE"))

    def kill_a_worker() -> None:
        while not [*shared.glob("*/.*.part")]:
            time.sleep(0.05)
        os.killpg(cluster.workers[0].pid, signal.SIGKILL)

    threading.Thread(target=kill_a_worker, daemon=True).start()
    engine = Spark(cluster.address, shared)
    assert divided.ingest(elsewhere=engine.tasks) == here.ingest()
    assert divided.versions() == here.versions()
    for table in ("process_versions", "quarantine", "violations", "ingest_files"):
        query = f"from raw.{table} order by all nulls first"
        assert divided.rows(query) == here.rows(query)
    assert cluster.workers[0].poll() is not None
    assert [*shared.iterdir()] == []


@needs_spark
@pytest.mark.nightly
def test_a_task_that_fails_shows_no_value(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = filled()
    # A worker cannot read this: nothing but what a task raises is wrong.
    monkeypatch.setenv("PYSPARK_PYTHON", str(tmp_path / "none"))
    with pytest.raises(OperationError, match=r"spark://.*: the job .* failed \(\w+\)\.") as said:
        computed(warehouse, _AS_OF, Spark(cluster.address, tmp_path / "shared"))
    assert "none" not in str(said.value)
    assert computed(warehouse, _AS_OF) == computed(filled(), _AS_OF)


def test_without_pyspark_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(spark, "import_module", missing)
    with pytest.raises(OperationError, match=r"--engine spark: PySpark is not installed"):
        computed(filled(), _AS_OF, Spark("local[1]", tmp_path))


class Tracker:
    """Tells, look by look, how many tasks of the one stage are done."""

    def __init__(self, job: Future[None], done: list[int]) -> None:
        self.job, self.done = job, done

    def statusTracker(self) -> Tracker:  # noqa: N802 - as Spark calls it
        return self

    def getActiveStageIds(self) -> list[int]:  # noqa: N802
        return [0, 1]

    def getStageInfo(self, number: int) -> SimpleNamespace | None:  # noqa: N802
        if number:
            return None  # it has just ended
        if len(self.done) == 1:
            self.job.set_result(None)
        return SimpleNamespace(numCompletedTasks=self.done.pop(0))


def test_progress_is_reported_when_buckets_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark, "_PAUSE_SECONDS", 0)
    reported: list[str] = []
    engine = Spark("local[1]", tmp_path, on_progress=reported.append)
    job: Future[None] = Future()
    engine._watch(Tracker(job, [0, 1, 1, 2]), job, 3, "history")
    assert reported == [f"Spark computes history: {n} of 3 buckets after 0 s" for n in (1, 2, 3)]


def test_a_job_that_failed_is_not_reported_as_done(tmp_path: Path) -> None:
    reported: list[str] = []
    job: Future[None] = Future()
    job.set_exception(RuntimeError("a worker is gone"))
    with pytest.raises(RuntimeError):
        Spark("local[1]", tmp_path, on_progress=reported.append)._watch(
            Tracker(job, []), job, 3, "history"
        )
    assert reported == []


def test_the_settings_say_where_history_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine_of(Settings()) is None
    monkeypatch.setenv("LEADTIME_SPARK_MASTER", "spark://host:7077")
    assert engine_of(from_environment()) == Spark("spark://host:7077", Settings().temporary)
    monkeypatch.setenv("LEADTIME_SPARK_FOLDER", str(tmp_path))
    assert engine_of(from_environment()) == Spark("spark://host:7077", tmp_path)
