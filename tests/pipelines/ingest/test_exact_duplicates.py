"""Exact duplicates in files of random histories: each stored once, by the reference's own rule."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.reference.versions import Version, drop_duplicates
from tests.support.landing_zone import Zone
from tests.support.strategies import to_landing, version_lists


@st.composite
def files(draw: st.DrawFn) -> list[list[tuple[Version, bytes]]]:
    """Two files with deletions, restores and ties, some lines of which repeat others.

    A repeated line may have other keys, null or empty text for a missing attribute, and 0 or null
    for a missing time.
    """
    versions = draw(version_lists(max_processes=6, max_versions=6, with_procedure_changes=True))
    repeated = draw(st.lists(st.sampled_from(versions), max_size=12))
    lines: list[list[tuple[Version, bytes]]] = [[], []]
    for version in draw(st.permutations([*versions, *repeated])):
        record = to_landing(version, keys=draw(st.sampled_from(("id", "shortId"))))
        data: dict[str, Any] = record["data"]
        if version["procedure"] == "lead" and not {"score", "plan"} & version["data"].keys():
            empty = draw(st.sampled_from((None, "")))
            data |= draw(st.sampled_from(({}, {"score": empty}, {"plan": empty})))
        if record["completedAt"] == 0:
            record["completedAt"] = draw(st.sampled_from((0, None)))
        file = draw(st.sampled_from(lines))
        file.append((version, json.dumps(record).encode() + b"\n"))
    return lines


@given(files())
@settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_each_content_of_an_instant_is_stored_once(
    written: list[list[tuple[Version, bytes]]],
) -> None:
    landed = [
        version | {"ingest_seq": (file_no, line_no)}
        for file_no, file in enumerate(written, start=1)
        for line_no, (version, _) in enumerate(file, start=1)
    ]
    kept = [version["ingest_seq"] for version in drop_duplicates(landed)]
    with tempfile.TemporaryDirectory() as folder:
        zone = Zone(Path(folder))
        for name, file in zip(("a", "b"), written, strict=True):
            zone.put(f"{name}.ndjson", *(line for _, line in file))
        report = zone.ingest()
        stored = zone.rows(
            "select file_of(ingest_seq), line_of(ingest_seq) from raw.process_versions "
            "order by ingest_seq"
        )
        assert stored == kept
        assert report.counts.duplicates == len(landed) - len(kept)
        assert report.counts.accepted == len(kept)
        zone.con.close()
