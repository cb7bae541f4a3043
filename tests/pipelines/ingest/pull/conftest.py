"""A fake platform for each test, and settings to pull from it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.settings import Settings
from tests.support.fake_platform import TOKEN, Clock, Platform, platform_settings, running_platform


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LEADTIME_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LEADTIME_API_TOKEN", TOKEN)


@pytest.fixture
def platform() -> Iterator[Platform]:
    with running_platform() as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path, platform: Platform) -> Settings:
    return platform_settings(tmp_path, platform.url)


@pytest.fixture
def clock() -> Clock:
    return Clock()
