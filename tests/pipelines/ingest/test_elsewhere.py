"""Files that other processes parse and validate leave what one process leaves, to the row."""

import gzip
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipelines.ingest import elsewhere
from pipelines.ingest.landing import find_files
from tests.support.landing_zone import Zone, lead

_TABLES = ("process_versions", "quarantine", "violations", "dimension_rows", "ingest_files")
_FILES = {
    "a.ndjson": lead(1) + b"no json\n\n" + lead(2, state="NOWHERE") + lead(3, data={"source": "?"}),
    "b.ndjson.gz": gzip.compress(lead(4) + lead(1)),
    "c.json": b"[" + lead(5).strip() + b"]",
    "d.ndjson.gz": gzip.compress(lead(6))[:-9],  # it does not decompress to its end
    "e.ndjson": lead(1) + b"no json\n\n" + lead(2, state="NOWHERE") + lead(3, data={"source": "?"}),
    "users.ndjson": b'{"id": "20000000-0000-4000-8000-000000000001", "name": "A"}\n',
    "z.ndjson": b"",
}


@dataclass
class Beside:
    """Runs the tasks of files, the last one first, and the first one twice."""

    folder: Path
    done: list[int] = field(default_factory=list)

    @contextmanager
    def __call__(
        self, n_tasks: int, task_for: Callable[[Path, str], Callable[[int], int]]
    ) -> Iterator[tuple[Path, Future[Any]]]:
        task = pickle.dumps(task_for(self.folder, "500MB"))

        def work() -> None:
            for number in [0, *reversed(range(n_tasks))]:
                self.done.append(pickle.loads(task)(number))

        with ThreadPoolExecutor(1) as pool:
            yield self.folder, pool.submit(work)


def filled(folder: Path) -> Zone:
    zone = Zone(folder)
    for name, content in _FILES.items():
        zone.put(name, content)
    return zone


def content(zone: Zone) -> dict[str, list[tuple[Any, ...]]]:
    return {name: zone.rows(f"from raw.{name} order by all nulls first") for name in _TABLES}


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "LEAST_BYTES", 0)


def test_raw_tables_are_those_of_one_process(tmp_path: Path) -> None:
    (tmp_path / "exchange").mkdir()
    beside = Beside(tmp_path / "exchange")
    here, divided = filled(tmp_path / "here"), filled(tmp_path / "divided")
    told = here.ingest(), divided.ingest(elsewhere=beside)
    assert content(divided) == content(here)
    assert told[0] == told[1]
    assert len(divided.versions()) == 4
    assert [row[0] for row in divided.ledger()] == [n for n in _FILES if n != "e.ndjson"]
    assert len(beside.done) >= len(_FILES)
    # Nothing is new: nobody is asked.
    beside.done.clear()
    assert divided.ingest(elsewhere=beside).seen_before == len(_FILES)
    assert beside.done == []


def test_a_file_that_a_worker_does_not_see_is_read_by_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "exchange").mkdir()
    zone = Zone(tmp_path / "landing")
    zone.put("a.ndjson", lead(1))
    zone.put("b.ndjson", lead(2))

    def unseen(*_: object) -> Iterator[None]:
        raise FileNotFoundError("no such folder on this machine")
        yield

    monkeypatch.setattr(elsewhere.FileTasks, "_validated", unseen)
    assert zone.ingest(elsewhere=Beside(tmp_path / "exchange")).files == 2
    assert zone.versions() == [(1, 1, 1), (2, 1, 2)]


def test_a_job_that_fails_takes_in_nothing_more(tmp_path: Path) -> None:
    (tmp_path / "exchange").mkdir()

    class Failing(Beside):
        @contextmanager
        def __call__(self, *_: object) -> Iterator[tuple[Path, Future[Any]]]:
            job: Future[None] = Future()
            job.set_exception(RuntimeError("a worker is gone"))
            yield self.folder, job

    zone = filled(tmp_path / "landing")
    with pytest.raises(RuntimeError, match="worker"):
        zone.ingest(elsewhere=Failing(tmp_path / "exchange"))
    assert zone.ledger() == []
    assert zone.ingest().files == len(_FILES) - 1


@pytest.mark.parametrize(("least", "sent"), [(30, 2), (31, 0)])
def test_small_files_are_read_by_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, least: int, sent: int
) -> None:
    zone = Zone(tmp_path)
    zone.put("a.ndjson", b"x" * 10)
    zone.put("b.ndjson", b"x" * 20)
    monkeypatch.setattr(elsewhere, "LEAST_BYTES", least)
    assert len(elsewhere.sent_elsewhere(find_files(zone.folder)[0])) == sent
