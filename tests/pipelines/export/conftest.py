"""What the tests of exports share."""

from __future__ import annotations

import pytest

from pipelines.settings import Settings
from tests.support.exported_history import publish_history


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The history, published; tests only read it, as publishing takes seconds."""
    return publish_history(tmp_path_factory.mktemp("history"))
