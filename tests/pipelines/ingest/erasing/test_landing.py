"""Landing files are rewritten in place: only the lines of the subject, and no run sees new data."""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import zstandard

from pipelines.defs.erasure import ErasureRequest, erase
from pipelines.run import Request
from pipelines.settings import Settings
from pipelines.warehouse.open import open_warehouse
from schemas.errors import OperationError
from tests.support.builds import build_all
from tests.support.erasing import ANN, FIRST, RECORDS, SECOND, VALUES, found_anywhere, land, lead

PACK = {
    "": lambda content: content,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
}
UNPACK = {
    "": lambda content: content,
    ".gz": gzip.decompress,
    ".zst": lambda content: zstandard.ZstdDecompressor().decompressobj().decompress(content),
}
REWRITE = ErasureRequest(process=ANN, landing="rewrite")


def settings_of(folder: Path) -> Settings:
    return Settings(data=folder / "data", landing=folder / "data" / "landing")


def stored(settings: Settings) -> list[list[tuple[object, ...]]]:
    """What an erasure changes in the warehouse."""
    tables = ("process_versions", "dimension_rows", "quarantine", "violations", "erasures")
    with duckdb.connect(settings.warehouse, read_only=True) as con:
        return [con.execute(f"from raw.{table} order by all").fetchall() for table in tables]


@pytest.mark.nightly
@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_only_lines_of_the_subject_change(suffix: str, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    path = settings.landing / f"a.ndjson{suffix}"
    crlf = FIRST[1].replace(b"\n", b"\r\n")
    lines = [b"\xef\xbb\xbf" + FIRST[0], crlf, *FIRST[2:], SECOND[0].rstrip(b"\n")]
    packed = PACK[suffix](b"".join(lines))
    land(settings, {path.name: [packed], "records.ndjson": RECORDS})
    path.chmod(0o640)
    build_all(settings, Request())
    ledger = (
        "select lines, accepted, duplicates, quarantined + erased, blank from raw.ingest_files "
        "order by file_seq"
    )
    with open_warehouse(settings, purpose="a test") as con:
        before = con.execute(ledger).fetchall()
    erasure = erase(settings, REWRITE)
    assert erasure.plan.listing.n_lines == 9
    assert found_anywhere(settings.data, VALUES) == []

    after = UNPACK[suffix](path.read_bytes())
    found = after.split(b"\n")
    kept = {1: crlf, 8: FIRST[8], 9: FIRST[9], 10: FIRST[10]}
    assert {n: found[n] + b"\n" for n in kept} == kept
    assert [text.strip() for text in found[6:8]] == [b"", b""], "what cannot be told apart is blank"
    assert len(found) == len(lines)
    record = json.loads(found[2])
    assert (record["id"], record["state"]) == (ANN, "CONTACTED")
    assert record["data"] == {
        "full_name": None,
        "email": None,
        "phone": None,
        "website": "https://shop.example",
        "utm": None,
        "score": 30,
        "plan": "Team",
    }
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(p.name for p in settings.landing.iterdir()) == [path.name, "records.ndjson"]

    with open_warehouse(settings, purpose="a test") as con:
        assert con.execute(ledger).fetchall() == before
    build_all(settings, Request(publish=True))
    with open_warehouse(settings, purpose="a test") as con:
        assert con.execute(ledger).fetchall() == before, "no run takes it for new data"
    # The old bytes are known too, should someone bring them back.
    land(settings, {f"old.ndjson{suffix}": [packed]})
    build_all(settings, Request(publish=True))
    with open_warehouse(settings, purpose="a test") as con:
        assert con.execute(ledger).fetchall() == before


@pytest.mark.nightly
def test_a_rebuilt_warehouse_reads_rewritten_files_in_their_order(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    land(settings, {"z.ndjson": FIRST})
    build_all(settings, Request())
    land(settings, {"a.ndjson": SECOND})
    build_all(settings, Request())
    erase(settings, REWRITE)
    query = "select file_name, lines, accepted, file_seq from raw.ingest_files order by file_seq"
    with open_warehouse(settings, purpose="a test") as con:
        before = con.execute(query).fetchall()
    settings.warehouse.unlink()
    build_all(settings, Request())
    with open_warehouse(settings, purpose="a test") as con:
        assert con.execute(query).fetchall() == before


@pytest.mark.nightly
def test_files_that_are_no_lines_are_refused_before_anything_changes(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    array = b"[" + b",".join(line.strip() for line in FIRST[:2]) + b"]"
    land(settings, {"a.json": [array]})
    build_all(settings, Request())
    before = stored(settings)
    with pytest.raises(OperationError, match=r"a\.json: holds the subject and is no file of JSON"):
        erase(settings, REWRITE)
    assert stored(settings) == before
    erasure = erase(settings, replace(REWRITE, landing="list"))
    assert [(h.file.name, h.lines) for h in erasure.plan.listing.held] == [("a.json", (1,))]


@pytest.mark.nightly
def test_files_that_come_later_are_rewritten_by_the_next_erasure(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    land(settings, {"a.ndjson": FIRST})
    build_all(settings, Request())
    erase(settings, REWRITE)
    land(settings, {"b.ndjson": [lead(ANN, "LOST", 40)]})
    build_all(settings, Request())
    with pytest.raises(OperationError, match=r"1 lines of landing files still hold it"):
        erase(settings, replace(REWRITE, landing="list"))
    erase(settings, REWRITE)
    assert found_anywhere(settings.data, VALUES) == []
    shutil.rmtree(settings.data)
