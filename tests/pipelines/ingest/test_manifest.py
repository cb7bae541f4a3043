"""The manifest: a rebuilt warehouse gives files their numbers back, whatever comes when."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from pipelines.ingest.files import ingest
from pipelines.ingest.landing import find_files
from pipelines.ingest.manifest import in_manifest_order, read_manifest, write_manifest
from schemas.errors import OperationError
from tests.support.dimension_files import ANN, row
from tests.support.landing_zone import NOW, PROCEDURES, Zone, lead


def take_in(zone: Zone, manifest: Path) -> None:
    """What a run does with the landing folder and the manifest."""
    write_manifest(manifest, zone.con)
    entries = read_manifest(manifest)
    files = in_manifest_order(find_files(zone.folder)[0], entries)
    reserved = {entry.key: entry.file_seq for entry in entries}
    ingest(zone.con, files, PROCEDURES, started_at=NOW, reserved=reserved)
    write_manifest(manifest, zone.con)


def numbers(zone: Zone) -> list[tuple[int, str]]:
    return zone.rows("select file_seq, file_name from raw.ingest_files order by all")


def rebuilt(zone: Zone) -> Zone:
    zone.con.close()
    return Zone(zone.folder)


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    """Files that came in an order other than that of their names."""
    zone = Zone(tmp_path / "landing")
    for name in ("c.ndjson", "a.ndjson", "b.ndjson"):
        zone.put(name, lead(1, data={"full_name": name}), lead(ord(name[0])))
        take_in(zone, tmp_path / "ledger.ndjson")
    return zone


def test_a_rebuilt_warehouse_has_the_old_order(zone: Zone, tmp_path: Path) -> None:
    expected = zone.versions()
    assert numbers(zone) == [(1, "c.ndjson"), (2, "a.ndjson"), (3, "b.ndjson")]
    again = rebuilt(zone)
    take_in(again, tmp_path / "ledger.ndjson")
    assert numbers(again) == [(1, "c.ndjson"), (2, "a.ndjson"), (3, "b.ndjson")]
    assert again.versions() == expected
    again.con.close()


def test_files_that_come_back_later_take_their_places_and_new_ones_the_end(
    zone: Zone, tmp_path: Path
) -> None:
    manifest = tmp_path / "ledger.ndjson"
    expected = zone.versions()
    archived = (zone.folder / "c.ndjson").rename(tmp_path / "c.ndjson")
    again = rebuilt(zone)
    take_in(again, manifest)
    assert [(e.file_seq, e.is_stored) for e in read_manifest(manifest)] == [
        (1, False),
        (2, True),
        (3, True),
    ]
    again.put("0.ndjson", lead(9))
    archived.rename(zone.folder / "renamed.ndjson")
    take_in(again, manifest)
    assert numbers(again) == [
        (1, "renamed.ndjson"),
        (2, "a.ndjson"),
        (3, "b.ndjson"),
        (4, "0.ndjson"),
    ]
    assert again.versions() == [*expected, (4, 1, 9)]
    assert all(entry.is_stored for entry in read_manifest(manifest))
    again.con.close()


def test_a_dimension_file_that_was_overtaken_is_a_new_one(tmp_path: Path) -> None:
    manifest = tmp_path / "ledger.ndjson"
    zone = Zone(tmp_path / "landing")
    for name in ("Ann", "Anna"):
        zone.put("users.ndjson", row(ANN, name=name))
        take_in(zone, manifest)
        (zone.folder / "users.ndjson").rename(tmp_path / f"{name}.ndjson")
    again = rebuilt(zone)
    for name in ("Anna", "Ann"):
        (tmp_path / f"{name}.ndjson").rename(zone.folder / "users.ndjson")
        take_in(again, manifest)
    names = again.rows("select file_of(ingest_seq), name from raw.dimension_rows order by all")
    assert names == [(2, "Anna"), (3, "Ann")]
    again.con.close()


def test_a_damaged_manifest_is_refused_with_advice(tmp_path: Path) -> None:
    manifest = tmp_path / "ledger.ndjson"
    for text in ("nonsense\n", '{"file_seq": 1}\n', "[1]\n"):
        manifest.write_text(text)
        with pytest.raises(
            OperationError, match=r"is not a manifest of landing files\. Restore it"
        ):
            read_manifest(manifest)


@pytest.mark.nightly
@given(
    groups=st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=3), min_size=2, max_size=4),
    order=st.randoms(use_true_random=False),
)
@example_settings(max_examples=6, deadline=None)
def test_any_split_of_a_rebuild_gives_the_same_versions(
    groups: list[list[int]], order: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Files in any order, over any number of runs, with versions that several of them have."""
    folder = tmp_path_factory.mktemp("split")
    manifest = folder / "ledger.ndjson"
    zone = Zone(folder / "landing")
    for number, people in enumerate(groups):
        zone.put(f"{number}.ndjson", *(lead(n) for n in people), lead(50 + number))
        take_in(zone, manifest)
    ledger = "file_seq, accepted, duplicates"
    expected = zone.versions(), zone.rows(f"select {ledger} from raw.ingest_files order by all")
    kept = folder / "kept"
    zone.folder.rename(kept)
    again = rebuilt(zone)
    names = [path.name for path in kept.iterdir()]
    order.shuffle(names)  # type: ignore[attr-defined]
    zone.folder.mkdir()
    for name in names:
        (kept / name).rename(zone.folder / name)
        take_in(again, manifest)
    assert again.versions() == expected[0]
    assert again.rows(f"select {ledger} from raw.ingest_files order by all") == expected[1]
    again.con.close()
