"""Runs that are killed, and data folders copied in mid-run: the next run makes up for all of it."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from pipelines.publish.generation import current_generation
from pipelines.publish.reader import open_published
from pipelines.run import Request
from tests.support import changing_job as job
from tests.support.builds import build_all
from tests.support.definition_runs import AS_OF, assert_same, land, run
from tests.support.mortal_run import STEPS, MortalRuns, mortal_runs, settings_of
from tests.support.scale import Scale, at_each_scale

CHANGED = job.with_attribute(2, type="string")
_SHORTEST_SECONDS = 0.05

Record = Callable[[str, object], None]


class Prepared(NamedTuple):
    """A folder with a generation, more files and a changed definition, and what must come of it.

    `points` are those a run over it passes, which takes `seconds`.
    """

    folder: Path
    expected: Path
    points: list[str]
    seconds: float


@pytest.fixture(scope="module")
def runs() -> Iterator[MortalRuns]:
    with mortal_runs() as runs:
        yield runs


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, runs: MortalRuns) -> Prepared:
    folder = tmp_path_factory.mktemp("prepared")
    settings = settings_of(folder)
    settings.landing.mkdir()
    land(settings, job.first_lines())
    run(settings, job.DEFINITION, job.OTHER)
    late = [*job.later_lines()]
    for lines in (late[:2], late[2:]):
        land(settings, lines)
    job.write_definitions(settings.procedures, CHANGED, job.OTHER)
    whole = copied(folder, folder.with_name("whole"))
    began = time.monotonic()
    points = runs.points(whole)
    seconds = time.monotonic() - began
    return Prepared(folder, settings_of(whole).published.resolve(), points, seconds)


def copied(folder: Path, to: Path) -> Path:
    shutil.copytree(folder, to, symlinks=True)
    return to


def assert_recovers(folder: Path, expected: Path) -> None:
    """Analysts read a generation, and a run that is left alone publishes what was to come."""
    settings = settings_of(folder)
    with open_published(settings) as con:
        assert con.execute("select generation from build").fetchall() in ([(1,)], [(2,)])
        assert con.execute("select count(*) from processes").fetchall()[0][0] in (5, 6)
    assert current_generation(settings)["generation"] in (1, 2)
    assert_same(build_all(settings, Request(as_of=AS_OF)), expected)
    assert list(settings.temporary.iterdir()) == []
    assert {path.suffix for path in settings.generations.iterdir()} == {".duckdb"}


def take_images(process: int, folder: Path, pauses: list[float]) -> Iterator[Path]:
    """Copies of a folder after these pauses, the process standing still; fewer once it has ended."""
    for number, pause in enumerate(pauses):
        time.sleep(pause)
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGSTOP)
            while not is_stopped(process):
                time.sleep(0.001)
            yield copied(folder, folder.with_name(f"image {number}"))
            os.kill(process, signal.SIGCONT)


def is_stopped(process: int) -> bool:
    """Raises `ProcessLookupError` when the process has ended."""
    try:
        about = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        raise ProcessLookupError from None
    state = about.rpartition(")")[2].split()[0]
    if state in ("Z", "X"):
        raise ProcessLookupError
    return state == "T"


@pytest.mark.nightly
@at_each_scale
def test_a_run_killed_at_any_step_is_made_up_for(
    prepared: Prepared,
    runs: MortalRuns,
    tmp_path: Path,
    scale: Scale,
    record_property: Record,
) -> None:
    passed = {point.partition(" ")[0] for point in prepared.points}
    assert passed == {name for _, name in STEPS}
    every = -(-len(prepared.points) // scale.named_kills)
    chosen = prepared.points[every // 2 :: every]
    for point in chosen:
        folder = copied(prepared.folder, tmp_path / "killed")
        runs.start(folder, dies=point)
        assert runs.wait() == -signal.SIGKILL, point
        assert_recovers(folder, prepared.expected)
        shutil.rmtree(folder)
    record_property("kills at named points", len(chosen))


@pytest.mark.nightly
@at_each_scale
def test_a_run_killed_at_any_time_is_made_up_for(
    prepared: Prepared,
    runs: MortalRuns,
    tmp_path: Path,
    scale: Scale,
    record_property: Record,
) -> None:
    """With Dagster and all. A run that ends before its time is one to recover from, too."""
    random = Random(7)
    longest = 2 * prepared.seconds
    killed = 0
    while killed < scale.random_kills:
        folder = copied(prepared.folder, tmp_path / "killed")
        runs.start(folder, dies=f"{random.uniform(_SHORTEST_SECONDS, longest):.3f}")
        code = runs.wait()
        assert code in (0, -signal.SIGALRM)
        if code:
            killed += 1
        else:
            longest *= 0.8
        assert_recovers(folder, prepared.expected)
        shutil.rmtree(folder)
    record_property("kills at random", killed)


@pytest.mark.nightly
@at_each_scale
def test_a_data_folder_copied_in_mid_run_is_made_up_for(
    prepared: Prepared,
    runs: MortalRuns,
    tmp_path: Path,
    scale: Scale,
    record_property: Record,
) -> None:
    """As the disk is after a crash of the machine; the run itself goes on and ends well."""
    random = Random(8)
    images = 0
    for _ in range(scale.crash_runs):
        folder = copied(prepared.folder, tmp_path / "running")
        process = runs.start(folder)
        pauses = [
            2 * random.random() * prepared.seconds / (scale.images_per_run + 1)
            for _ in range(scale.images_per_run)
        ]
        taken = [*take_images(process, folder, pauses)]
        assert runs.wait() == 0
        assert_same(settings_of(folder).published.resolve(), prepared.expected)
        for image in taken:
            assert_recovers(image, prepared.expected)
            shutil.rmtree(image)
        images += len(taken)
        shutil.rmtree(folder)
    record_property("crash images", images)
