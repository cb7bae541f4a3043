"""What is written outside the databases holds no personal value, whatever goes wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from pipelines.ingest.files import IngestReport
from pipelines.run import Run
from pipelines.settings import PROCEDURES_FOLDER
from tests.support.command_line import leadtime
from tests.support.landing_zone import LEAD, START

MARKER = "zqxmarker"
LINES = 12
SCRIPT = """
def first(frame):
    print("rows:", len(frame))
    raise ValueError(f"cannot grade {frame['full_name'][0]}")
"""
DERIVED = """\
  - {id: 40000000-0000-4000-8000-000000000001, shortId: bad_script, type: integer,
     script: "failing.py:first", reads: [full_name]}
  - {id: 40000000-0000-4000-8000-000000000002, shortId: bad_formula, type: integer,
     formula: cast(full_name as integer)}
"""


def line(number: int, **changes: object) -> bytes:
    """A lead all of whose free texts carry the marker."""
    record = {
        "id": f"10000000-0000-4000-8000-{number:012}",
        "team": LEAD.id,
        "procedure": LEAD.id,
        "status": "OPEN",
        "state": "NEW",
        "createdAt": START,
        "updatedAt": START + number * 3_600_000,
        "data": {
            "full_name": f"{MARKER} {number}",
            "email": f"{MARKER}-{number}@example.com",
            "phone": f"{MARKER}",
            "utm": {"a": MARKER},
            "nickname": f"{MARKER}",
            "score": f"{MARKER}" if number % 3 == 0 else number,
        },
    }
    return json.dumps(record | changes).encode() + b"\n"


FILES = {
    "leads.ndjson": [
        *(line(n) for n in range(LINES)),
        line(1, data={"email": f"{MARKER}-2@example.com", "full_name": MARKER}, assignedTo=MARKER),
        line(20, state=f"{MARKER} state"),
        line(21, procedure=MARKER),
        line(22, id=f"{MARKER}@example.com"),
        line(23, status=MARKER, createdAt=MARKER, belongsTo=MARKER, data=MARKER),
        line(24)[:-20] + b"\n",
        f'{{"email": "{MARKER}"'.encode() + b"\n",
        f"{MARKER} is no JSON\n".encode(),
        b'{"data": {"full_name": "' + MARKER.encode() + b'\xff"}}\n',
    ],
    "broken.ndjson.gz": [f"{MARKER}: no gzip".encode()],
    "page.json": [b'{"_data": {"full_name": "' + MARKER.encode() + b'"}}'],
    "users.ndjson": [
        b'{"id": "00000000-0000-4000-8000-00000000000a", "name": "' + MARKER.encode() + b'"}\n',
        b'{"id": "' + MARKER.encode() + b'", "name": 5}\n',
    ],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data, procedures = tmp_path / "data", tmp_path / "procedures"
    shutil.copytree(PROCEDURES_FOLDER, procedures)
    lead = procedures / "lead.yaml"
    lead.write_text(lead.read_text().replace("states:\n", f"{DERIVED}states:\n", 1))
    (procedures / "failing.py").write_text(SCRIPT)
    (data / "landing").mkdir(parents=True)
    for name, lines in FILES.items():
        (data / "landing" / name).write_bytes(b"".join(lines))
    monkeypatch.setenv("LEADTIME_DATA", str(data))
    monkeypatch.setenv("LEADTIME_PROCEDURES", str(procedures))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path) -> list[str]:
    """The files outside the databases and landing files that hold the marker, or are named so."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if "landing" not in path.parts and path.suffix != ".duckdb"
        if MARKER in path.name or (path.is_file() and MARKER.encode() in path.read_bytes().lower())
    ]


def test_no_output_holds_a_personal_value(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = [
        ("run",),
        ("check",),
        ("quarantine",),
        ("quarantine", "--replay"),
        ("status",),
        ("verify",),
        ("run", "--as-of", "2025-10-10", "--out", folder / "out.duckdb"),
        ("report",),
        ("report", "--html", folder / "report.html"),
        ("erase", "--value", "email=nobody@example.com"),
        ("erase", "--value", f"email={MARKER}-5@example.com", "--dry-run"),
        ("forget", "page.json"),
        ("backup", folder / "backup"),
    ]
    for words in commands:
        result = leadtime(*words)
        assert MARKER not in f"{result.out}{result.err}".lower(), words
    with duckdb.connect(folder / "data" / "analytics.duckdb", read_only=True) as con:
        assert con.execute("select count(*) from lead_processes").fetchall() == [(LINES,)]
        assert con.execute("select count(*) from quarantine").fetchall()[0][0] > 6
    assert (folder / "data" / "dagster").is_dir()
    assert written(folder) == []

    # The engine's own errors quote values: neither Dagster nor the terminal may show them.
    def fail(self: Run, *_: object) -> IngestReport:
        self.con.execute(f"select '{MARKER} Ann'::integer")
        raise AssertionError

    with monkeypatch.context() as patched:
        patched.setattr(Run, "ingest", fail)
        failed = leadtime("run", "--full")
    assert failed.code == 1
    assert MARKER not in f"{failed.out}{failed.err}"
    captured = capfd.readouterr()
    assert MARKER not in f"{captured.out}{captured.err}".lower()
    assert written(folder) == []
