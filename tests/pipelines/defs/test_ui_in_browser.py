"""Dagster's UI as an operator sees it: start a run, see it succeed, see what it tells."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from pipelines.publish.generation import current_generation
from pipelines.settings import Settings
from pipelines.simulator import simulate
from tests.support.browser import free_port, needs_browser, open_page, serving


@needs_browser
@pytest.mark.nightly
def test_an_operator_starts_a_run_and_sees_what_it_did(tmp_path: Path) -> None:
    data = tmp_path / "data"
    simulate(data / "landing", versions=1_000, seed=3, end=datetime(2026, 3, 1, tzinfo=UTC))
    environment = {"LEADTIME_DATA": str(data), "LEADTIME_LANDING": str(data / "landing")}
    port = free_port()
    with serving(["ui"], port=port, environment=environment) as address, open_page() as page:
        # The pages of other sites can neither ask nor start anything; see `test_webserver.py`.
        for headers in ({"Host": "rebound.example"}, {"Origin": "http://evil.example"}):
            asked = urllib.request.Request(address, headers=headers)
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(asked, timeout=30)
        mutation = urllib.parse.quote("mutation { setNuxSeen }")
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(f"{address}/graphql?query={mutation}", timeout=30)

        page.goto(f"{address}/assets/core/process_lifecycle")
        expect(page.get_by_text("Lifecycle of each process so far")).to_be_visible()
        # Columns and their meaning are there before anything has run.
        expect(page.get_by_text("n_ping_pongs")).to_be_visible()

        page.goto(f"{address}/locations/pipelines.definitions/jobs/refresh")
        page.get_by_role("button", name="Materialize all").click()
        expect(page.get_by_text(re.compile("Launched run"))).to_be_visible()
        page.get_by_text("View", exact=True).click()
        expect(page.get_by_text("RUN_SUCCESS").first).to_be_visible(timeout=120_000)

        page.goto(f"{address}/assets/analytics")
        expect(page.get_by_text("Freshness policy").first).to_be_visible()
        expect(page.get_by_text("analytics-000001.duckdb")).to_be_visible(timeout=30_000)
        page.goto(f"{address}/assets/raw/quarantine")
        expect(page.get_by_text("rejected_share").first).to_be_visible(timeout=30_000)
        # The origin of columns is found after the start, and kept for the next one.
        kept = data / "dagster" / "column_lineage.json"
        page.wait_for_timeout(0 if kept.exists() else 60_000)
    with serving(["ui"], port=port, environment=environment) as address, open_page() as page:
        page.goto(f"{address}/assets/core/process_lifecycle")
        expect(page.get_by_text("state_visits.direction").first).to_be_visible(timeout=30_000)
    assert current_generation(Settings(data=data))["generation"] == 1
