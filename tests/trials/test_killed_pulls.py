"""Pulls that SIGKILL ends at any moment: whatever the platform has is landed in the end."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.fake_platform import (
    TOKEN,
    landed,
    platform_settings,
    process,
    running_platform,
    texts,
)

KILLS = 12


@pytest.mark.nightly
def test_no_kill_loses_a_version(tmp_path: Path) -> None:
    dice = random.Random(5)
    with running_platform() as platform:
        settings = platform_settings(tmp_path, platform.url)
        platform.cap = 20
        platform.after_page = lambda: time.sleep(0.01)
        platform.processes["order"] = [process(n) for n in range(1_500)]
        environment = {
            **{name: text for name, text in os.environ.items() if "LEADTIME" not in name},
            "LEADTIME_DATA": str(settings.data),
            "LEADTIME_PROCEDURES": str(settings.procedures),
            "LEADTIME_API_URL": platform.url,
            "LEADTIME_API_TOKEN": TOKEN,
            "LEADTIME_API_REQUESTS_PER_SECOND": "0",
        }
        # Parts of five pages, so that kills meet every step of writing them.
        code = (
            "from pipelines.ingest.pull import listing; listing._PAGES_OF_A_PART = 5; "
            "from pipelines.cli.main import app; app(['pull'])"
        )
        before = 0
        for number in range(KILLS + 1):
            asked = len(platform.requests)
            pulling = subprocess.Popen(
                [sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL
            )
            if number < KILLS:
                until = asked + dice.randrange(2, 40)
                while len(platform.requests) < until and pulling.poll() is None:
                    time.sleep(0.001)
                pulling.kill()
                pulling.wait()
            else:
                assert pulling.wait(timeout=300) == 0
            files = len([*(settings.landing / "pull").glob("order-*.gz")])
            assert files >= before
            before = files
            changed = dice.randrange(1_500)
            if number < KILLS:
                one = platform.processes["order"][changed]
                platform.processes["order"][changed] = one | {"updatedAt": one["updatedAt"] + 1}
        assert texts(platform.processes["order"]) <= texts(landed(settings))
        assert texts(landed(settings)) <= texts(platform.shown)
        assert not [*settings.landing.rglob(".*")]
        assert len(platform.requests) < 1_500
