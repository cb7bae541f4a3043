"""Where a process came from: the subfolder of the landing folder with its latest version."""

from pathlib import Path

import duckdb

from pipelines.run import Request
from pipelines.settings import Settings
from tests.support.builds import build_all
from tests.support.landing_zone import START, lead

HOUR = 3_600_000


def test_the_folder_of_the_latest_version_is_the_source(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    files = {
        "crm/a.ndjson": [lead(1), lead(2)],
        "b.ndjson": [lead(3), lead(4)],
        "shop/2026/c.ndjson": [
            lead(1, updatedAt=START + HOUR, status="CANCELLED", cancelledAt=START + HOUR),
            lead(4, updatedAt=START - HOUR, createdAt=START - HOUR),
        ],
    }
    for name, lines in files.items():
        path = landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(lines))
    published = build_all(Settings(data=tmp_path / "data", landing=landing), Request())
    with duckdb.connect(published, read_only=True) as con:
        for table in ("processes", "lead_processes"):
            query = f"select landing_source, n_versions from {table} order by process_id"
            assert con.execute(query).fetchall() == [
                ("shop", 2),
                ("crm", 1),
                (None, 1),
                (None, 2),
            ], table
