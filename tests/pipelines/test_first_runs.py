"""Several first runs at once on a new folder, as real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.support.landing_zone import lead

N_RUNS = 3


def _start(folder: Path, *, wait_seconds: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from pipelines.cli.main import main; main()", "run"]
    return subprocess.Popen(
        [*command, "--data", str(folder)],
        env={**os.environ, "LEADTIME_WAIT_SECONDS": str(wait_seconds), "LEADTIME_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.nightly
def test_one_first_run_wins_and_the_others_wait_or_name_it(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "landing").mkdir(parents=True)
    (folder / "landing" / "a.ndjson").write_bytes(b"".join(lead(n) for n in range(1, 21)))

    # Two wait as long as it takes; one wants the warehouse at once or not at all.
    runs = [_start(folder, wait_seconds=900 if n < 2 else 0) for n in range(N_RUNS)]
    ended = [(run.returncode, out, err) for run in runs for out, err in [run.communicate()]]

    for code, out, err in ended:
        assert "Traceback" not in out + err
        assert code in (0, 1), err
        if code:
            assert "the warehouse is held by leadtime run (process " in err
        else:
            assert "Database " in out
    assert [code for code, *_ in ended[:2]] == [0, 0]
    # The second finds nothing new, unless a day ends meanwhile.
    published = sum(code == 0 for code, *_ in ended)
    assert 1 <= len(list((folder / "analytics").glob("analytics-*.duckdb"))) <= published
    with duckdb.connect(folder / "analytics.duckdb", read_only=True) as con:
        assert con.execute("select count(*) from processes").fetchall() == [(20,)]
