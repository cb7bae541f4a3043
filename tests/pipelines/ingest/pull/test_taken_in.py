"""What a pull lands is what a run takes in: records as they are, and usernames by a source."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from pipelines.ingest.pull.pull import pull
from pipelines.settings import Settings
from schemas.load import load_procedures
from tests.support.fake_platform import PERSONAL, Clock, Platform, process
from tests.support.source_zone import SourceZone

PAGE = Path(__file__).parents[4] / "schemas" / "docs" / "pull.md"


def test_every_line_is_accepted(platform: Platform, settings: Settings) -> None:
    platform.processes["order"] = [process(n) for n in range(4)]
    platform.users = [{"id": process(1)["id"], "firstName": "Ann"}]
    platform.config |= {
        "pods": [{"id": process(2)["id"], "name": "North"}],
        "entities": [{"id": process(3)["id"], "shortId": "contact"}],
        "team": {"id": process(4)["id"], "name": "Sales"},
    }
    pull(settings, waits=Clock().waits)
    zone = SourceZone(settings.landing, load_procedures(settings.procedures))
    counts = zone.take_in().counts
    assert (counts.lines, counts.accepted, counts.quarantined) == (8, 8, 0)
    names = zone.rows("select dimension, name from raw.dimension_rows order by all")
    assert names == [
        ("entities", "contact"),
        ("pods", "North"),
        ("teams", "Sales"),
        ("users", "Ann"),
    ]


def test_the_source_on_the_page_reads_usernames(platform: Platform, settings: Settings) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    sources = settings.procedures / "sources"
    sources.mkdir()
    (sources / "pulled.yaml").write_text(block)
    assert yaml.safe_load(block)["procedure"] == "order"
    platform.processes["order"] = [
        process(1, assignedTo=PERSONAL),
        process(2, assignedTo=PERSONAL, isDeleted=True),
        process(3, state="ACTIVE", data={"number": "N3", "score": 5}),
    ]
    pull(settings, waits=Clock().waits)
    zone = SourceZone(settings.landing, load_procedures(settings.procedures))
    assert zone.take_in().counts.quarantined == 0
    rows = zone.rows(
        "select right(process_id::varchar, 1), is_deleted, assigned_to is not null, "
        "data->>'number' from raw.process_versions order by 1"
    )
    assert rows == [
        ("1", False, True, "N1"),
        ("2", True, True, "N2"),
        ("3", False, False, "N3"),
    ]
    ids = zone.rows("select distinct id::varchar, name from raw.dimension_rows")
    assigned = zone.rows(
        "select distinct assigned_to::varchar from raw.process_versions "
        "where assigned_to is not null"
    )
    assert ids == [(assigned[0][0], PERSONAL)]
