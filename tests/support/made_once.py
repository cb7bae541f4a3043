"""Folders that are made once for all test processes, as pytest-xdist documents it: under a lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def made_once(
    name: str, tmp_path_factory: pytest.TempPathFactory, make: Callable[[Path], Any]
) -> Path:
    """A folder that `make` filled, which all tests share: they read it, or copy it to change it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"once-{name}"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            folder.mkdir(exist_ok=True)
            make(folder)
            (folder / "made").touch()
    return folder
