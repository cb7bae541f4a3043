"""What a command says when files, folders or ports are not as they should be.

Every case ends with exit code 1 and a sentence: where, what was found, what to do.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import duckdb
import pytest

from pipelines import run
from pipelines.cli import report as command_report
from pipelines.ingest.landing_file import LandingFile
from pipelines.publish.generation import current_generation
from pipelines.settings import Settings
from pipelines.warehouse.file_errors import is_no_space, no_space
from pipelines.warehouse.lease import hold_lease, lease_holder
from tests.support.command_line import leadtime
from tests.support.published import published_simulated

NOBODY = 65534


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return published_simulated(tmp_path_factory)


def error_of(*words: object) -> str:
    """What a command that fails says on stderr, in one line."""
    done = leadtime(*words)
    assert done.code == 1, done
    return " ".join(done.err.split())


def test_the_version_is_that_of_the_package() -> None:
    assert leadtime("--version").out == f"leadtime {version('leadtime')}\n"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        duckdb.IOException("IO Error: Could not write file: No space left on device"),
        OSError("No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_known_however_it_is_wrapped(error: Exception) -> None:
    wrapped = RuntimeError("a step failed")
    wrapped.__context__ = ValueError("in between")
    wrapped.__context__.__cause__ = error
    assert is_no_space(wrapped)
    assert not is_no_space(RuntimeError("No space left on device"))


@pytest.mark.nightly
def test_a_run_on_a_full_disk_says_where_and_that_nothing_was_published(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    whole = run.publish

    def full_afterwards(*args: object, **kwargs: object) -> None:
        whole(*args, **kwargs)  # type: ignore[arg-type]
        full()

    monkeypatch.setattr(run, "publish", full)
    sentence = error_of("run", "--publish", "--data", settings.data)
    assert sentence.startswith(f"{settings.data}: no space left there. Nothing was published.")
    assert current_generation(settings)["generation"] == 1
    monkeypatch.setattr(run, "publish", full_afterwards)
    assert "The database was published." in error_of("run", "--publish", "--data", settings.data)
    assert current_generation(settings)["generation"] == 2


def test_the_folder_with_the_least_room_is_named(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    told = no_space(error, Path("/proc"), tmp_path, action="Make room.")
    assert str(told) == "/proc: no space left there. Make room."


@pytest.mark.parametrize("kind", ["system", "engine"])
def test_the_folder_of_the_file_that_did_not_fit_is_named(tmp_path: Path, kind: str) -> None:
    temporary = tmp_path / "spill"
    temporary.mkdir()
    file = temporary / "duckdb_temp_storage_DEFAULT-0.tmp"
    if kind == "system":
        cause: Exception = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
    else:
        said = f'Could not write file "{file}": No space left on device'
        cause = duckdb.IOException(said)
    wrapped = RuntimeError("a step failed")
    wrapped.__cause__ = cause
    assert is_no_space(wrapped)
    told = no_space(wrapped, Path("/proc"), action="Make room.")
    assert str(told) == f"{temporary}: no space left there. Make room."


@pytest.mark.parametrize("text", ["x\n", "", "[]", "{}", '{"generation": "7"}'])
def test_a_damaged_pointer_is_replaced_by_the_published_files(
    settings: Settings, text: str
) -> None:
    (settings.data / "current.json").write_text(text)
    status = leadtime("status", "--data", settings.data)
    assert status.code == 0
    assert "Published   generation 1, " in status.out
    assert current_generation(settings)["generation"] == 1


@pytest.mark.nightly
def test_a_run_writes_a_damaged_pointer_again(settings: Settings) -> None:
    (settings.data / "current.json").write_text("{")
    assert "0 new files" in leadtime("run", "--data", settings.data).out
    about = json.loads((settings.data / "current.json").read_text())
    assert about["generation"] == 2


def test_without_the_link_the_newest_generation_is_asked(settings: Settings) -> None:
    settings.published.unlink()
    older = settings.generations / "analytics-000001.duckdb"
    shutil.copy(older, settings.generations / "analytics-000010.duckdb")
    (settings.data / "current.json").unlink()
    assert current_generation(settings)["generation"] == 10
    assert leadtime("query", "from build", "--data", settings.data).code == 0


@pytest.mark.nightly
def test_nothing_is_published_any_more_when_its_file_is_gone(settings: Settings) -> None:
    shutil.rmtree(settings.generations)
    assert "Published   nothing yet" in leadtime("status", "--data", settings.data).out
    assert "no published database" in error_of("query", "from build", "--data", settings.data)
    shown = " ".join(leadtime("run", "--data", settings.data).out.split())
    assert "generation 2" in shown
    with duckdb.connect(settings.published, read_only=True) as con:
        ((last,),) = con.execute("select max(updated_at)::date from processes").fetchall()
    assert f"The last version is of {last}, and open processes have aged since." in shown
    assert f'--data {settings.data} --as-of "{last}"` shows how they stood then.' in shown


def test_another_database_is_not_taken_for_a_warehouse(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "a.ndjson").write_text("{}\n")
    for name in ("warehouse", "analytics"):
        with duckdb.connect(tmp_path / f"{name}.duckdb") as con:
            con.execute("create table theirs as select 1 as n")
    for command in ("status", "quarantine"):
        assert "warehouse.duckdb: is not a leadtime warehouse" in error_of(
            command, "--data", tmp_path
        )
    assert "was not published by leadtime" in error_of("report", "--data", tmp_path)
    assert "is a file; leadtime keeps its link" in error_of("run", "--data", tmp_path)
    (tmp_path / "analytics.duckdb").unlink()
    assert "is not a leadtime warehouse" in error_of("run", "--data", tmp_path)
    with duckdb.connect(tmp_path / "warehouse.duckdb", read_only=True) as con:
        assert con.execute("show all tables").fetchall()[0][2] == "theirs"


@pytest.mark.parametrize("damage", ["garbage", "half", "empty"])
def test_a_damaged_warehouse_says_what_to_do(settings: Settings, damage: str) -> None:
    whole = settings.warehouse.read_bytes()
    damaged = {"garbage": b"x" * 10_000, "half": whole[: len(whole) // 2], "empty": b""}[damage]
    settings.warehouse.write_bytes(damaged)
    for command in ("status", "run"):
        sentence = error_of(command, "--data", settings.data)
        assert sentence.startswith(f"{settings.warehouse}: the file is damaged. Move it away")
    assert leadtime("query", "from build", "--data", settings.data).code == 0


def test_a_damaged_generation_leaves_the_older_ones(settings: Settings) -> None:
    older = settings.generations / "analytics-000001.duckdb"
    newer = settings.generations / "analytics-000002.duckdb"
    newer.write_bytes(older.read_bytes()[:50_000])
    settings.published.unlink()
    settings.published.symlink_to("analytics/analytics-000002.duckdb")
    for words in (["report"], ["query", "from build"]):
        sentence = error_of(*words, "--data", settings.data)
        assert "000002.duckdb: the file is damaged. Run again" in sentence
        assert f"an older one in {settings.generations} with --data FILE" in sentence
    assert leadtime("query", "from build", "--data", older).code == 0


def test_a_file_of_a_newer_duckdb_says_so(settings: Settings) -> None:
    header = bytearray(settings.warehouse.read_bytes())
    header[12:20] = struct.pack("<Q", 200)
    settings.warehouse.write_bytes(header)
    # Only the database knows the checksum of a header; it tells it when another is there.
    with pytest.raises(duckdb.Error) as told:
        duckdb.connect(settings.warehouse, read_only=True)
    checksum = int(str(told.value).split("computed checksum ")[1].split()[0])
    header[:8] = struct.pack("<Q", checksum)
    settings.warehouse.write_bytes(header)
    sentence = error_of("status", "--data", settings.data)
    assert "was written by a newer version of DuckDB. Update DuckDB here" in sentence


def test_a_warehouse_that_another_program_has_open_says_so(settings: Settings) -> None:
    script = (
        "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    )
    command = [sys.executable, "-c", script, str(settings.warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        sentence = error_of("quarantine", "--data", settings.data)
        other.kill()
    assert f"is open in process {other.pid}. Close it there" in sentence


@pytest.fixture
def as_reader(published: Settings) -> Iterator[Settings]:
    """A copy that the present user may read but not write."""
    folder = Path(tempfile.mkdtemp())
    data = folder / "data"
    shutil.copytree(published.data, data, symlinks=True)
    for path in [folder, data, *data.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)
    is_root = os.geteuid() == 0
    if is_root:  # whom permissions do not stop
        os.seteuid(NOBODY)
    try:
        yield Settings(data=data, landing=data / "landing")
    finally:
        if is_root:
            os.seteuid(0)
        for path in [folder, data, *data.rglob("*")]:
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(folder)


def test_who_may_only_read_can_ask_but_not_run(as_reader: Settings) -> None:
    data = as_reader.data
    status = leadtime("status", "--data", data)
    assert status.code == 0, status
    assert "Published   generation 1" in status.out
    assert "leadtime quarantine" in leadtime("quarantine", "--data", data).out
    assert leadtime("query", "from build", "--data", data).code == 0
    for words in (["run"], ["quarantine", "--replay"]):
        sentence = error_of(*words, "--data", data)
        assert sentence.startswith(f"{data}: this user may not write there. Ask its owner")


def test_before_the_first_run_the_demo_is_pointed_to(settings: Settings, tmp_path: Path) -> None:
    settings.data.rename(tmp_path / "demo")
    sentence = error_of("query", "from build", "--data", tmp_path)
    assert f"add `--data {tmp_path / 'demo'}`" in sentence


def test_while_the_first_run_is_at_work_it_is_named(tmp_path: Path) -> None:
    with hold_lease(tmp_path, purpose="leadtime run", wait_seconds=0):
        sentence = error_of("query", "from build", "--data", tmp_path)
    assert f"leadtime run (process {os.getpid()}) is running: try again" in sentence


def test_a_wait_is_announced(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADTIME_WAIT_SECONDS", "0.3")
    with hold_lease(settings.data, purpose="leadtime demo", wait_seconds=0):
        waited = [leadtime(word, "--data", settings.data) for word in ("run", "quarantine")]
    for done in waited:
        assert done.code == 1
        assert f"waiting for leadtime demo (process {os.getpid()}, since 2" in done.out
        assert ", up to 0.3 s" in done.out


@pytest.mark.nightly
def test_the_demo_holds_the_warehouse_under_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holders: list[str] = []
    build = run.publish

    def publish(*args: object, **kwargs: object) -> object:
        holders.append((lease_holder(tmp_path / "demo") or {})["purpose"])
        return build(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "publish", publish)
    assert leadtime("demo", "--versions", 300, "--data", tmp_path / "demo").code == 0
    assert holders == ["leadtime demo"]


def test_a_run_needs_no_landing_folder_when_none_was_named(settings: Settings) -> None:
    shutil.rmtree(settings.landing)
    again = leadtime("run", "--data", settings.data)
    assert again.code == 0, again
    assert "0 new files" in again.out
    assert "Next: leadtime report --data" in again.out
    nowhere = settings.data / "nowhere"
    assert "no such landing folder" in error_of(
        "run", "--data", settings.data, "--landing", nowhere
    )
    assert "no such landing folder" in error_of("run", "--data", settings.data / "first")


def test_a_file_is_not_a_landing_folder(tmp_path: Path) -> None:
    file = tmp_path / "a.ndjson"
    file.write_text("{}\n")
    sentence = error_of("run", "--data", tmp_path / "data", "--landing", file)
    assert sentence == f"{file}: is a file. Name its folder: {tmp_path}"


@pytest.mark.nightly
def test_what_no_definition_can_mend_is_not_to_be_replayed(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "cut.ndjson.gz").write_bytes(b"\x1f\x8b\x08\x00")
    (landing / "wide.ndjson").write_bytes('{"id": 1}\n'.encode("utf-16"))
    done = leadtime("run", "--data", tmp_path)
    assert done.code == 1
    assert "Ask its owner for the file again." in done.out
    assert "No definition can accept these lines" in done.out
    assert "--replay" not in done.out
    assert "No line was ever accepted; 3 are in quarantine" in done.out
    assert "--replay" not in leadtime("quarantine", "--data", tmp_path).out
    sentence = error_of("report", "--data", tmp_path)
    assert "contains no processes yet. 3 lines in quarantine; `leadtime quarantine" in sentence


@pytest.mark.nightly
def test_a_file_that_may_not_be_opened_fails_the_run_after_the_rest(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut = settings.landing / "shut.ndjson"
    shut.write_text("{}\n")
    sha256 = LandingFile.sha256

    def locked(file: LandingFile) -> str:
        if file.path == shut:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(shut))
        return sha256(file)

    monkeypatch.setattr(LandingFile, "sha256", locked)
    done = leadtime("run", "--publish", "--data", settings.data)
    assert done.code == 1
    assert "generation 2" in done.out
    assert "shut.ndjson: it cannot be opened: Permission denied" in done.out
    assert "1 file left out: give the user of this run permission" in done.out


def test_a_port_in_use_is_reported_before_the_ui_starts(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        sentence = error_of("ui", "--port", port, "--data", tmp_path / "data")
    assert f"{port} is taken. Is this command running already?" in sentence
    assert not (tmp_path / "data").exists()


@pytest.mark.nightly
def test_the_past_is_published_with_a_warning_and_out_can_be_asked(
    settings: Settings, tmp_path: Path
) -> None:
    past = ["run", "--data", settings.data, "--as-of", "2026-01-20"]
    done = leadtime(*past)
    assert "Published as of 2026-01-20 23:59:59 UTC: analysts see this until" in done.out
    out = tmp_path / "then.duckdb"
    assert "Published as of" not in leadtime(*past, "--out", out).out
    assert "2026-01-20 23:59:59" in leadtime("query", "from build", "--data", out).out
    assert "Report on lead, as of 2026-01-20" in leadtime("report", "lead", "--data", out).out
    assert "then.duckdb: is a file. Name the folder" in error_of("status", "--data", out)


def test_a_page_that_cannot_be_written_is_named_as_it_was_asked_for(
    published: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sentence = error_of("report", "--data", published.data, "--html", "/proc/x.html")
    assert sentence.startswith("/proc/x.html: cannot be written: ")
    monkeypatch.setattr(command_report, "html_report", full)
    sentence = error_of("report", "--data", published.data, "--html", tmp_path / "x.html")
    assert sentence == f"{tmp_path}: no space left there. Make room, or name another file."
    assert not any(tmp_path.iterdir())
