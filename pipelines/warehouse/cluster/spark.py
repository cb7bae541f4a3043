"""Computes tables on Apache Spark, which moves the numbers of buckets and never a row."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb

from pipelines.settings import Settings
from pipelines.warehouse.cluster.exchange import Exchange, exchange_folder
from schemas.errors import OperationError
from transforms.builder.kernel import Computing
from transforms.builder.refresh import BUCKET_VERSIONS

_NAME = "leadtime"
_PAUSE_SECONDS = 1.0


OnProgress = Callable[[str], None]


def engine_of(settings: Settings, on_progress: OnProgress = lambda _: None) -> Spark | None:
    """What computes tables elsewhere, as the settings say; None computes it in this process."""
    if not settings.spark_master:
        return None
    folder = settings.spark_folder or settings.temporary
    return Spark(settings.spark_master, folder, settings.memory_limit, on_progress)


@dataclass(frozen=True)
class Spark:
    """Spark under a master's address; `folder` has the same path on all of its machines.

    A task, of one bucket on one core, takes at most `memory_limit`. `on_progress` gets a sentence
    whenever buckets are done.
    """

    master: str
    folder: Path
    memory_limit: str = "2GB"
    on_progress: OnProgress = field(default=lambda _: None, compare=False)

    @contextmanager
    def __call__(self, con: duckdb.DuckDBPyConnection, n_versions: int) -> Iterator[Computing]:
        """What computes tables as tasks of one Spark application, which ends with the block.

        Raises `OperationError` when PySpark is not installed, the cluster cannot be reached, or its
        job fails.
        """
        with _context(self.master) as context, exchange_folder(self.folder) as folder:
            n_buckets = max(-(-n_versions // BUCKET_VERSIONS), context.defaultParallelism)
            run = partial(self._run, context, n_buckets)
            yield Exchange(con, folder, n_buckets, run, self.memory_limit)

    @contextmanager
    def tasks(
        self, n_tasks: int, task_for: Callable[[Path, str], Callable[[int], int]]
    ) -> Iterator[tuple[Path, Future[Any]]]:
        """Run tasks, each a call with its number, made for their folder and the memory of one.

        They run beside the block, which gets the folder and the job. Raises `OperationError` as
        above.
        """
        with (
            _context(self.master) as context,
            exchange_folder(self.folder) as folder,
            self._failing("reads files"),
            ThreadPoolExecutor(1) as pool,
        ):
            numbers = context.parallelize(range(n_tasks), n_tasks)
            job = pool.submit(numbers.map(task_for(folder, self.memory_limit)).collect)
            with _cancelled(context, job):
                yield folder, job

    @contextmanager
    def _failing(self, what: str) -> Iterator[None]:
        try:
            yield
        except _errors() as error:
            # Spark's message has that of the task, which may show values.
            found = f"the job that {what} failed ({type(error).__name__})"
            action = (
                "See the logs of its workers: each needs this version of leadtime, and the folder "
                f"{self.folder} under the same path."
            )
            raise OperationError(self.master, found, action) from None

    def _run(self, context: Any, n_buckets: int, task: Callable[[int], int], what: str) -> None:
        buckets = context.parallelize(range(n_buckets), n_buckets).map(task)
        with self._failing(f"computes {what}"), ThreadPoolExecutor(1) as pool:
            job = pool.submit(buckets.collect)
            with _cancelled(context, job):
                self._watch(context, job, n_buckets, what)

    def _watch(self, context: Any, job: Future[Any], n_buckets: int, what: str) -> None:
        """Wait for a job, and report how many of its tasks are done."""
        began, reported = time.monotonic(), 0

        def report(done: int) -> int:
            seconds = time.monotonic() - began
            if done > reported:
                self.on_progress(
                    f"Spark computes {what}: {done} of {n_buckets} buckets after {seconds:.0f} s"
                )
            return max(done, reported)

        tracker = context.statusTracker()
        while not job.done():
            wait([job], timeout=_PAUSE_SECONDS)
            stages = map(tracker.getStageInfo, tracker.getActiveStageIds())
            reported = report(sum(stage.numCompletedTasks for stage in stages if stage))
        job.result()
        report(n_buckets)


@contextmanager
def _cancelled(context: Any, job: Future[Any]) -> Iterator[None]:
    """Cancel a job that runs at the end of the block, so that its thread ends."""
    try:
        yield
    finally:
        if not job.done():
            context.cancelAllJobs()


@contextmanager
def _context(master: str) -> Iterator[Any]:
    """A Spark application of this process; its page is not served."""
    try:
        pyspark = import_module("pyspark")
    except ModuleNotFoundError:
        action = "Install the extra `spark` (`uv tool install 'leadtime[spark]'`) and Java 17."
        raise OperationError("--engine spark", "PySpark is not installed", action) from None
    # Workers of this machine run the same Python; on others the variable says which.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    options = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
    }
    if master.startswith("local"):
        options |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    conf = pyspark.SparkConf().setMaster(master).setAppName(_NAME).setAll([*options.items()])
    try:
        context = pyspark.SparkContext(conf=conf)
    except _errors() as error:
        found = f"Spark does not start ({type(error).__name__})"
        action = "Check the address of the master, that it runs, and that Java 17 is installed."
        raise OperationError(master, found, action) from None
    try:
        yield context
    finally:
        context.stop()


def _errors() -> tuple[type[Exception], ...]:
    """What PySpark raises for whatever goes wrong in it or in the cluster."""
    return (
        import_module("py4j.protocol").Py4JError,
        import_module("pyspark.errors").PySparkException,
    )
