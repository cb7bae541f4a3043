"""One writer at a time, who says who it is, and leaves nothing behind however it ends."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.warehouse.lease import hold_lease, lease_holder
from schemas.errors import WarehouseBusy

_HOLDER = """
import sys, time
from pathlib import Path
from pipelines.warehouse.lease import hold_lease
with hold_lease(Path(sys.argv[1]), purpose="another run", wait_seconds=0):
    print("held", flush=True)
    time.sleep(60)
"""


def test_held_once_and_free_again(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    assert lease_holder(folder) is None
    with hold_lease(folder, purpose="a run", wait_seconds=0):
        holder = lease_holder(folder) or {}
        assert (holder["pid"], holder["purpose"]) == (os.getpid(), "a run")
        with pytest.raises(WarehouseBusy) as busy, hold_lease(folder, purpose="b", wait_seconds=0):
            pass
        assert f"held by a run (process {os.getpid()}" in str(busy.value)
        assert busy.value.since == holder["since"]
    assert lease_holder(folder) is None
    with hold_lease(folder, purpose="b", wait_seconds=0):
        pass


def test_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), hold_lease(tmp_path, purpose="a", wait_seconds=0):
        _ = 1 / 0
    assert lease_holder(tmp_path) is None


def test_waiting_for_a_process_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert (lease_holder(tmp_path) or {})["pid"] == other.pid
        started = time.monotonic()
        with (
            pytest.raises(WarehouseBusy, match="another run"),
            hold_lease(tmp_path, purpose="a run", wait_seconds=0.3),
        ):
            pass
        assert time.monotonic() - started >= 0.3
        other.kill()
        with hold_lease(tmp_path, purpose="a run", wait_seconds=10):
            assert (lease_holder(tmp_path) or {})["purpose"] == "a run"
