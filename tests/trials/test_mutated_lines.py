"""Damaged landing lines: each is accounted for, and what is accepted can be built and published."""

import gzip
from collections.abc import Callable
from pathlib import Path
from random import Random

import duckdb
import pytest
import zstandard

from pipelines.run import Request
from pipelines.settings import Settings
from pipelines.simulator import simulate
from tests.support.builds import build_all
from tests.support.mutated_lines import mutated
from tests.support.published import END
from tests.support.scale import Scale, at_each_scale

_FILES = 6
_COMPRESSED = {
    "ndjson": bytes,
    "ndjson.gz": gzip.compress,
    "ndjson.zst": zstandard.compress,
}


@pytest.mark.nightly
@at_each_scale
def test_every_damaged_line_is_accounted_for(
    tmp_path: Path, scale: Scale, record_property: Callable[[str, object], None]
) -> None:
    """`lines = accepted + duplicates + quarantined + blank`, of each file and in the tables."""
    simulate(tmp_path / "whole", versions=1_000, seed=3, end=END)
    files = sorted((tmp_path / "whole").rglob("*.ndjson"))
    whole = [line for file in files for line in file.read_bytes().splitlines() if line]
    settings = Settings(data=tmp_path / "data", landing=tmp_path / "landing")
    settings.landing.mkdir()
    random = Random(5)
    expected: dict[str, int] = {}
    for number in range(_FILES):
        # Every other line is as it was: what is damaged stands among good lines.
        damaged = mutated(whole, random, scale.mutated_lines // _FILES)
        body = b"".join(line + b"\n" + random.choice(whole) + b"\n" for line in damaged)
        suffix = [*_COMPRESSED][number % len(_COMPRESSED)]
        name = f"{number}.{suffix}"
        (settings.landing / name).write_bytes(_COMPRESSED[suffix](body))
        expected[name] = body.count(b"\n")
    path = build_all(settings, Request(as_of=END))
    with duckdb.connect(path, read_only=True) as con:
        ledger = con.execute(
            "select file_name, lines, accepted, duplicates, quarantined, blank from ingest_files"
        ).fetchall()
        assert {name: lines for name, lines, *_ in ledger} == expected
        assert [name for name, lines, *parts in ledger if lines != sum(parts)] == []
        in_quarantine = con.execute("select sum(n_lines)::bigint from quarantine").fetchall()[0][0]
        assert in_quarantine == sum(quarantined for *_, quarantined, _ in ledger)
    with duckdb.connect(settings.warehouse, read_only=True) as con:
        stored = con.execute("select count(*) from raw.process_versions").fetchall()[0][0]
        assert stored == sum(accepted for _, _, accepted, *_ in ledger)
    # Both outcomes are frequent, so that neither is vacuous.
    assert in_quarantine > scale.mutated_lines / 5
    assert stored > scale.mutated_lines / 20
    record_property("mutated lines", _FILES * (scale.mutated_lines // _FILES))
    record_property("lines in all", sum(expected.values()))
    record_property("accepted", stored)
    record_property("quarantined", in_quarantine)
