"""What the tests of exports share."""

from __future__ import annotations

import pytest

from pipelines.settings import Settings
from tests.support.exported_history import published_history


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The history, published; tests only read it, as publishing takes seconds."""
    return published_history(tmp_path_factory)
