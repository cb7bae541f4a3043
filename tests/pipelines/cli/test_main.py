"""The command as the shell sees it: exit codes, one clear sentence, commands that work as printed.

What the numbers must be is tested where they are made.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from pipelines.cli import run as command_run
from pipelines.cli.demo import clear_demo
from pipelines.ingest.files import IngestReport
from pipelines.launch import FailedCheck, RunResult
from pipelines.settings import PROCEDURES_FOLDER, Settings
from pipelines.warehouse.lease import hold_lease
from tests.support.command_line import leadtime

COMMANDS = (
    "demo",
    "run",
    "ui",
    "query",
    "export",
    "report",
    "notebook",
    "check",
    "schema",
    "quarantine",
    "status",
    "backup",
    "verify",
    "forget",
    "erase",
    "retain",
    "compare",
)
UNKNOWN = "11111111-1111-4111-8111-111111111111"


@dataclass(frozen=True)
class Demo:
    """A demo that has run, and what it printed."""

    data: Path
    printed: str


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    data = tmp_path_factory.mktemp("demo") / "data"
    result = leadtime("demo", "--versions", 2000, "--data", data)
    assert result.code == 0, result
    return Demo(data, result.out)


def test_every_command_has_help_with_an_example() -> None:
    overview = leadtime("--help").out
    for command in COMMANDS:
        assert command in overview
        assert f"Example: leadtime {command}" in leadtime(command, "--help").out


def test_light_commands_load_nothing_heavy() -> None:
    script = (
        "import sys; from pipelines.cli.main import app; "
        "app(sys.argv[1:], standalone_mode=False); "
        "print([m for m in ('dagster', 'duckdb', 'polars', 'pandera') if m in sys.modules])"
    )
    for words in (["--help"], ["check", str(PROCEDURES_FOLDER / "lead.yaml")]):
        done = subprocess.run(
            [sys.executable, "-c", script, *words], capture_output=True, text=True, check=True
        )
        assert done.stdout.rstrip().endswith("[]")


@pytest.mark.parametrize(
    "words",
    [
        ["frob"],
        ["run", "--frob"],
        ["run", "--as-of", "2999-01-01"],
        ["run", "--as-of", "soon"],
        ["query", "--csv", "x.csv"],
        ["query", "select 1", "--csv", "a", "--parquet", "b"],
        ["demo", "--versions", "3"],
    ],
)
def test_wrong_usage_is_exit_2(words: list[str]) -> None:
    assert leadtime(*words).code == 2


def test_the_demo_prints_a_funnel_durations_and_what_to_ask(demo: Demo) -> None:
    for said in (
        "Report on lead,",
        "Report on ticket,",
        "Funnel `conversion`, steps reached within 60 d",
        "CONVERTED",
        "may still advance",
        "Durations from creation",
        "are open and were never completed",
        "SLA clocks",
        "open at the end of each day",
        "Most frequent variants",
        "Oldest open processes",
        "Leads by `grade`",
        "tickets per lead",
        " lines were rejected: leadtime quarantine --data",
        str(demo.data / "analytics.duckdb"),
    ):
        assert said in demo.printed
    assert len(demo.printed.splitlines()) <= 105
    assert f"Wrote {len(list((demo.data / 'landing').iterdir()))} files (" in demo.printed
    with duckdb.connect(demo.data / "analytics.duckdb", read_only=True) as con:
        query = """
            select processes from funnel_steps
            where funnel = 'conversion' and step_no = 1 and mode = 'ordered'
        """
        [(entered,)] = con.execute(query).fetchall()
    assert any(line.split()[:2] == ["NEW", str(entered)] for line in demo.printed.splitlines())


def test_the_printed_commands_work_as_printed(demo: Demo) -> None:
    printed = [line.strip() for line in demo.printed.splitlines() if line.startswith("  leadtime")]
    assert len(printed) == 4
    for line in printed:
        program, *words = shlex.split(line)
        result = leadtime(*words)
        assert program == "leadtime"
        assert (result.code, result.err) == (0, "")
        assert re.search(r"^\d+ rows?$", result.out, re.MULTILINE)


def test_a_demo_starts_afresh_but_only_where_a_demo_was(tmp_path: Path) -> None:
    old = Settings(data=tmp_path)
    clear_demo(old)
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "a.ndjson").touch()
    old.warehouse.touch()
    old.manifest.touch()
    (tmp_path / "notes.txt").touch()
    clear_demo(old)
    assert not old.warehouse.exists()
    assert not old.manifest.exists()
    assert not (tmp_path / "landing").exists()
    assert (tmp_path / "notes.txt").exists()


def test_a_demo_removes_nothing_that_no_demo_made(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_text("precious")
    result = leadtime("demo", "--data", tmp_path)
    assert result.code == 1
    assert "not from a demo" in result.err
    assert (tmp_path / "warehouse.duckdb").read_text() == "precious"


def test_without_landing_files_a_run_says_what_to_do(tmp_path: Path) -> None:
    missing = leadtime("run", "--data", tmp_path)
    assert missing.code == 1
    assert "--landing" in missing.err
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "notes.txt").touch()
    empty = leadtime("run", "--data", tmp_path)
    assert empty.code == 1
    assert "1 file of another kind (notes.txt)" in empty.out
    assert "leadtime demo" in empty.err
    assert not (tmp_path / "warehouse.duckdb").exists()


def test_a_broken_definition_stops_a_run_before_it_starts(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("id: 1\n")
    result = leadtime("run", "--data", tmp_path / "data", "--procedures", tmp_path)
    assert result.code == 1
    assert "bad.yaml" in result.err
    assert not (tmp_path / "data").exists()


def test_a_run_reads_only_what_is_new(demo: Demo) -> None:
    result = leadtime("run", "--publish", "--data", demo.data)
    assert result.code == 0
    # How many there are depends on the months that end with today's.
    n_files = len(list((demo.data / "landing").iterdir()))
    assert f"0 new files, {n_files} seen before" in result.out
    assert "generation 2" in result.out
    assert f'leadtime query --data {demo.data} "from funnel_steps"' in result.out


def test_a_blocking_check_is_exit_1_and_says_the_last_generation_stays(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = FailedCheck("flow_identity", "It does not hold in 2 cases.")
    stopped = RunResult(IngestReport(), [], None, [failed], {"ingest": 0.1})
    monkeypatch.setattr(command_run, "run_job", lambda *_, **__: stopped)
    result = leadtime("run", "--data", demo.data)
    assert result.code == 1
    assert "Check failed: flow_identity: It does not hold in 2 cases." in result.out
    assert "the last generation stays" in result.out


@pytest.mark.nightly
def test_out_leaves_the_published_database_alone(demo: Demo, tmp_path: Path) -> None:
    before = (demo.data / "current.json").read_bytes()
    out = tmp_path / "then.duckdb"
    day = (demo.data / "landing").glob("2*.ndjson")
    month = sorted(path.stem for path in day)[4]
    result = leadtime("run", "--data", demo.data, "--as-of", f"{month}-01", "--out", out)
    assert result.code == 0
    assert f"As of    {month}-01 23:59:59 UTC" in result.out
    assert (demo.data / "current.json").read_bytes() == before
    with duckdb.connect(out, read_only=True) as con:
        [(latest,)] = con.execute("select max(updated_at) from processes").fetchall()
    assert f"{latest:%Y-%m}" <= month


def test_status_counts_and_waits_for_nobody(demo: Demo) -> None:
    idle = leadtime("status", "--data", demo.data)
    assert idle.code == 0
    assert "2,000 of" in idle.out
    assert "up to date" in idle.out
    with hold_lease(demo.data, purpose="a long run", wait_seconds=1):
        busy = leadtime("status", "--data", demo.data)
    assert busy.code == 0
    assert "Busy        a long run (process" in busy.out
    assert "Published   generation" in busy.out
    with duckdb.connect(demo.data / "analytics.duckdb", read_only=True) as con:
        ((as_of,),) = con.execute("select as_of from build").fetchall()
    assert re.search(rf"Published   generation \d+, as of {as_of:%Y-%m-%d %H:%M:%S} UTC", idle.out)


def test_a_run_that_finds_the_warehouse_held_says_by_whom(
    demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADTIME_WAIT_SECONDS", "0")
    with hold_lease(demo.data, purpose="a long run", wait_seconds=1):
        result = leadtime("run", "--data", demo.data)
    assert result.code == 1
    assert "held by a long run" in result.err


def test_quarantine_shows_text_only_when_asked(demo: Demo) -> None:
    result = leadtime("quarantine", "--data", demo.data)
    assert result.code == 0
    assert "core:" in result.out
    assert ".ndjson:" in result.out
    assert "updatedAt" not in result.out.replace("`updatedAt`", "")
    assert '"' in leadtime("quarantine", "--data", demo.data, "--text", 5).out


@pytest.mark.nightly
def test_lines_of_an_unknown_procedure_come_back_once_it_is_defined(tmp_path: Path) -> None:
    ticket = (PROCEDURES_FOLDER / "ticket.yaml").read_text()
    definitions = tmp_path / "definitions"
    definitions.mkdir()
    (definitions / "ticket.yaml").write_text(ticket)
    landing = tmp_path / "data" / "landing"
    landing.mkdir(parents=True)
    (landing / "a.ndjson").write_text("".join(map(_line, range(3))))
    folders = ["--data", tmp_path / "data", "--procedures", definitions]

    rejected = leadtime("run", *folders)
    assert rejected.code == 1
    assert "No line was ever accepted; 3 are in quarantine" in rejected.out
    assert "--procedures DIR" in rejected.out
    assert "3 = 0 accepted" in rejected.out
    assert "not defined" in rejected.out
    assert "quarantine" in rejected.out

    changed = ticket.replace("65ab0278-e816-572e-8085-7c3adefbaa40", UNKNOWN)
    changed = changed.replace("shortId: ticket", "shortId: errand", 1)
    (definitions / "errand.yaml").write_text(changed)
    replayed = leadtime("quarantine", "--replay", *folders)
    assert replayed.code == 0, replayed
    assert "3 accepted" in replayed.out
    assert "leadtime run" in replayed.out
    assert "3 versions behind" in leadtime("status", *folders[:2]).out
    assert "3 processes" in leadtime("run", *folders).out
    assert "is empty" in leadtime("quarantine", *folders).out
    assert "no line" in leadtime("quarantine", "--replay", *folders).out


def test_without_a_warehouse_nothing_is_made(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert "no warehouse" in leadtime("status", "--data", data).out
    for words in (["quarantine"], ["quarantine", "--replay"]):
        result = leadtime(*words, "--data", data)
        assert result.code == 1
        assert "leadtime run --landing DIR" in result.err
    assert not data.exists()


def test_check_lists_every_problem(tmp_path: Path) -> None:
    text = (PROCEDURES_FOLDER / "lead.yaml").read_text()
    bad = tmp_path / "lead.yaml"
    bad.write_text(
        text.replace("kind: queue", "kind: queu").replace("startState: NEW", "startState: NEU")
    )
    result = leadtime("check", bad)
    assert result.code == 1
    assert "2 problems" in result.err
    assert all(word in result.err for word in ("startState", "'NEU'", "'queu'", "waiting_customer"))
    good = leadtime("check")
    assert good.code == 0
    assert "Valid: 2 procedures." in good.out
    assert any(line.split()[:5] == ["lead", "7", "20", "6", "2"] for line in good.out.splitlines())


def _line(number: int) -> str:
    record = {
        "id": f"22222222-2222-4222-8222-22222222222{number}",
        "team": UNKNOWN,
        "procedure": UNKNOWN,
        "status": "OPEN",
        "state": "NEW",
        "createdAt": 1_770_000_000_000,
        "updatedAt": 1_770_000_000_000,
        "data": {"number": f"T-{number}", "subject": "A subject"},
        "derivedData": {},
    }
    return json.dumps(record) + "\n"
