"""Who may read what a run writes, and where its temporary files are."""

from __future__ import annotations

import grp
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.export.targets import whole_folder
from pipelines.launch import run_job
from pipelines.publish.reader import open_published
from pipelines.run import Request
from pipelines.settings import Settings
from pipelines.warehouse.file_errors import atomic_write
from pipelines.warehouse.lease import hold_lease, keep_writers_out, lease_holder
from pipelines.warehouse.leftovers import reader_folder
from pipelines.warehouse.open import open_warehouse
from pipelines.warehouse.rights import restrict
from schemas.errors import OperationError
from tests.support.landing_zone import lead

NOBODY = 65_534
ANN = "aaaaaaaa-0000-4000-8000-000000000001"
# One that this user may give files to.
GROUP = grp.getgrgid(os.getegid() or 1).gr_name  # root: a group that is not its own


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """The rights of a folder and all below it but Dagster's files."""
    paths = [folder, *(path for path in folder.rglob("*") if not path.is_symlink())]
    return {
        path.relative_to(folder).as_posix(): f"{path.stat().st_mode & 0o777:o}"
        for path in paths
        if "dagster/" not in path.as_posix()
    }


@contextmanager
def as_member(group: int, folder: Path) -> Iterator[None]:
    """Become another user, of this group, who may pass through the folders of a test."""
    for place in (folder, *folder.parents):
        if place.stat().st_mode & 0o777 == 0o700:
            place.chmod(0o755)
    before, others = os.getegid(), os.getgroups()
    os.setgroups([])
    os.setegid(group)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(before)
        os.setgroups(others)


@pytest.mark.nightly
def test_a_run_writes_for_its_owner_alone_or_lets_a_group_read(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "a.ndjson").write_bytes(lead(1))
    settings = Settings(data=tmp_path / "data", landing=landing)
    run_job(settings, Request())
    private = {
        ".": "700",
        "analytics": "700",
        "analytics/analytics-000001.duckdb": "440",
        "current.json": "440",
        "dagster": "700",
        "ledger.ndjson": "600",
        "lease.json": "600",
        "people": "700",
        "people/people-000001.duckdb": "600",
        "secret": "700",
        "secret/pepper": "600",
        "tmp": "700",
        "warehouse.duckdb": "600",
    }
    assert modes(settings.data) == private
    below = [path for path in settings.dagster_home.rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o077 for path in below} == {0}

    shared = Settings(data=settings.data, landing=landing, read_group=GROUP)
    run_job(shared, Request())
    readable = {".": "710", "analytics": "750", "analytics/analytics-000001.duckdb": "440"}
    assert modes(settings.data) == private | readable
    number = grp.getgrnam(GROUP).gr_gid
    for place in (*readable, "current.json"):
        assert (settings.data / place).stat().st_gid == number
    if os.geteuid() == 0:
        with as_member(number, tmp_path), open_published(shared) as con:
            assert con.execute("select count(*) from processes").fetchall() == [(1,)]
            with pytest.raises(OSError, match="Permission denied"):
                settings.warehouse.open("rb")
        with as_member(NOBODY, tmp_path), pytest.raises((OSError, OperationError)):
            open_published(shared).__enter__()


@pytest.mark.nightly
def test_a_group_may_read_personal_values(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "a.ndjson").write_bytes(lead(1))
    (landing / "users.ndjson").write_text(f'{{"id": "{ANN}", "name": "Ann"}}\n')
    settings = Settings(data=tmp_path / "data", landing=landing, people_group=GROUP)
    run_job(settings, Request())
    given = modes(settings.data)
    assert given["."] == "710"
    assert (given["people"], given["people/people-000001.duckdb"]) == ("750", "440")
    assert (given["secret"], given["secret/pepper"]) == ("700", "600")
    assert given["analytics"] == "700"
    number = grp.getgrnam(GROUP).gr_gid
    for place in (".", "people", "people/people-000001.duckdb"):
        assert (settings.data / place).stat().st_gid == number
    both = replace(settings, read_group=GROUP)
    run_job(both, Request(publish=True))
    assert not (settings.data / "people/people-000002.duckdb").exists(), "nothing has changed"
    if os.geteuid() == 0:
        query = "select name from people.users"
        with as_member(number, tmp_path), open_published(both, people="needed") as con:
            assert con.execute(query).fetchall() == [("Ann",)]
    run_job(replace(both, people_group=""), Request())
    given = modes(settings.data)
    assert (given["people"], given["people/people-000001.duckdb"]) == ("700", "600")
    if os.geteuid() == 0:
        with as_member(number, tmp_path):
            with open_published(both) as con:
                assert con.execute("select count(*) from processes").fetchall() == [(1,)]
            with open_published(both, people="if readable") as con:
                query = "select count(*) from duckdb_databases() where database_name = 'people'"
                assert con.execute(query).fetchall() == [(0,)]
            with pytest.raises(OperationError) as raised:
                open_published(both, people="needed").__enter__()
        assert "this user may not read personal values" in str(raised.value)
        assert "Ask root, who runs leadtime, to name a group" in str(raised.value)
        assert "LEADTIME_PEOPLE_GROUP" in str(raised.value)


def test_what_was_open_to_others_is_closed(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    settings.generations.mkdir(parents=True)
    settings.temporary.mkdir()
    settings.warehouse.touch()
    (settings.data / "lease.json").touch()
    assert set(modes(settings.data).values()) == {"755", "644"}
    restrict(settings)
    assert set(modes(settings.data).values()) == {"700", "600"}


def test_a_folder_that_holds_other_things_keeps_its_rights(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()
    tmp_path.chmod(0o755)
    restrict(Settings(data=tmp_path))
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_can_neither_read_the_lease_nor_take_it(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", wait_seconds=0)
    with hold_lease(settings.data, purpose="a run", wait_seconds=0):
        settings.data.chmod(0o755)
        with as_member(NOBODY, tmp_path):
            assert lease_holder(settings.data) is None
            with (
                pytest.raises(OperationError, match="this user may not read it"),
                keep_writers_out(settings.data, wait_seconds=0),
            ):
                pass


def test_a_temporary_file_cannot_be_planted(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".report.html.writing").symlink_to(victim)
    with atomic_write(tmp_path / "report.html", "an .html file") as waiting:
        assert waiting.stat().st_mode & 0o777 == 0o600
        waiting.write_text("report")
    assert victim.read_text() == "mine"
    assert (tmp_path / "report.html").read_text() == "report"
    (tmp_path / ".tables.writing").symlink_to(tmp_path)
    with whole_folder(tmp_path / "tables") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "a.parquet").touch(0o600)
    assert modes(tmp_path / "tables") == {".": "755", "a.parquet": "644"}


def test_a_file_keeps_its_rights_when_it_is_replaced(tmp_path: Path) -> None:
    private, usual = tmp_path / "private.csv", tmp_path / "usual.csv"
    private.touch(0o600)
    for path in (private, usual):
        with atomic_write(path, "a .csv file") as waiting:
            waiting.write_text("1")
    assert modes(tmp_path) == {".": "700", "private.csv": "600", "usual.csv": "644"}


def test_a_link_of_another_user_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    link = tmp_path / "report.html"
    link.symlink_to(victim)
    with atomic_write(link, "an .html file") as waiting:
        waiting.write_text("report")
    assert victim.read_text() == "report"
    owner = os.geteuid()
    if owner == 0:
        os.lchown(link, NOBODY, NOBODY)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    with (
        pytest.raises(OperationError, match="is a link of another user"),
        atomic_write(link, "an .html file"),
    ):
        pass
    assert victim.read_text() == "report"


KILLED = """
import os, sys, tempfile
from pathlib import Path
from pipelines.ingest import parse_versions
from pipelines.launch import run_job
from pipelines.run import Request
from pipelines.settings import Settings

def killed(*_, **__):
    os._exit(9)

parse_versions._raw_text = killed
run_job(Settings(data=Path(sys.argv[1]), landing=Path(sys.argv[2])), Request())
"""


@pytest.mark.nightly
def test_a_killed_run_leaves_no_text_of_landing_files_behind(tmp_path: Path) -> None:
    landing, data = tmp_path / "landing", tmp_path / "data"
    landing.mkdir()
    # Lines with bad values are parsed from a file.
    (landing / "a.ndjson").write_bytes(lead(1, data={"full_name": "Person 1", "score": "many"}))
    system = tmp_path / "system"
    system.mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, data, landing],
        env=os.environ | {"TMPDIR": str(system)},
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert ended.returncode == 9
    found = [path for place in (system, data) for path in place.rglob("*") if path.is_file()]
    assert [path for path in found if b"Person 1" in path.read_bytes()] == []
    assert list(system.iterdir()) == []


def test_the_files_of_readers_stay_while_they_run(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    ended = settings.temporary / "reader-999999999"
    for folder in (ended, reader_folder(settings)):
        folder.mkdir(parents=True)
    with open_warehouse(settings, purpose="a test"):
        assert list(settings.temporary.iterdir()) == [reader_folder(settings)]
