"""The databases that the notebooks are run on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from notebooks.parts.published import connect
from tests.support.made_once import made_once
from tests.support.notebooks import make_leads_and_tickets, make_nothing, make_one


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of simulated leads and tickets."""
    return made_once("leads", tmp_path_factory, make_leads_and_tickets) / "data"


@pytest.fixture(scope="session")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose published tables have no process."""
    return made_once("nothing", tmp_path_factory, make_nothing) / "data"


@pytest.fixture
def published(data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the database of simulated leads and tickets, as notebooks open it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEADTIME_DATA", str(data))
        con = connect()
    assert con is not None
    with con:
        yield con


@pytest.fixture(scope="session")
def one_lead(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a single process, in procedures without a funnel."""
    return made_once("one", tmp_path_factory, make_one) / "data"
