"""Commands run without the settings of whoever runs the tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.settings import Settings


@pytest.fixture(autouse=True, scope="module")
def _bare_environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("LEADTIME_")]:
            patch.delenv(name)
        patch.delenv("UV", raising=False)
        patch.setenv("NO_COLOR", "1")
        yield


@pytest.fixture
def settings(published: Settings, tmp_path: Path) -> Settings:
    """A copy of what the module's fixture `published` made, to damage."""
    data = tmp_path / "data"
    shutil.copytree(published.data, data, symlinks=True)
    return Settings(data=data, landing=data / "landing")
