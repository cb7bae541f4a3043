"""Delta tables in an object store: as those on a disk, and one generation at a time."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from pipelines.export.engines import delta_store
from pipelines.export.engines.address import DeltaStoreAddress, parse_address
from pipelines.export.engines.copied import Copied
from pipelines.export.engines.copy import copy_generation
from pipelines.export.engines.source import Source
from pipelines.settings import Settings
from schemas.errors import OperationError
from tests.support.made_generations import ROWS, write_generation

pytest.importorskip("deltalake", reason="its extra is not installed")
obstore = pytest.importorskip("obstore", reason="its extra is not installed")
moto = pytest.importorskip("moto.server", reason="there is no object store to copy to")
stores = pytest.importorskip("obstore.store")

ADDRESS = DeltaStoreAddress("tables", "crm/leadtime")
SECRET = "q8Zk-secret"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The address of an object store on this machine, which is in the environment too."""
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # else a line per request
    address = "http://{}:{}".format(*server.get_host_and_port())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_ALLOW_HTTP", "true")
        yield address
    server.stop()


@pytest.fixture
def objects(endpoint: str) -> Any:
    """The objects below the address, in a bucket that was empty."""
    import boto3

    buckets: Any = boto3.resource("s3", endpoint_url=endpoint)
    bucket = buckets.Bucket("tables")
    bucket.create()
    bucket.objects.delete()
    return stores.S3Store("tables", prefix=ADDRESS.prefix)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


def copy(settings: Settings, generation: int | None = None) -> Copied:
    named = str(generation) if generation else None
    return copy_generation(settings, ADDRESS, generation=named)


def names_in(objects: Any) -> list[str]:
    return sorted(item["path"] for batch in obstore.list(objects) for item in batch)


def folders_in(objects: Any) -> list[str]:
    """The generations that are there, without the end of the names of their folders."""
    names = {name.split("/")[0] for name in names_in(objects)} - {"current.json"}
    return sorted(name.rsplit("-", 2)[0] for name in names)


def pointer_in(objects: Any) -> dict[str, Any]:
    return json.loads(bytes(obstore.get(objects, "current.json").bytes()))


def generation_in(objects: Any) -> int:
    """The current generation, whose tables must agree."""
    pointer = pointer_in(objects)
    for name in ("build", "processes", "visits"):
        found = pl.read_delta(f"{ADDRESS.uri}/{pointer['folder']}/{name}")
        assert found["generation"].unique().to_list() == [pointer["generation"]]
        assert found.height == (1 if name == "build" else ROWS * pointer["generation"])
    return pointer["generation"]


def test_tables_are_those_of_a_copy_on_a_disk(
    settings: Settings, objects: Any, tmp_path: Path
) -> None:
    write_generation(settings, 3)
    copied = copy(settings)
    local = copy_generation(settings, parse_address(f"delta://{tmp_path / 'local'}"))
    assert (copied.tables, copied.rows, copied.is_new) == (local.tables, local.rows, True)
    assert generation_in(objects) == 3
    there = f"{ADDRESS.uri}/{pointer_in(objects)['folder']}/odd"
    assert_frame_equal(
        pl.read_delta(there), pl.read_delta(str(tmp_path / "local" / "current" / "odd"))
    )
    facts = json.loads((tmp_path / "local" / "current.json").read_text())
    assert {**pointer_in(objects), "folder": ""} == {**facts, "folder": ""}


def test_the_same_generation_is_written_once(settings: Settings, objects: Any) -> None:
    write_generation(settings, 1)
    assert copy(settings).is_new
    before = names_in(objects)
    assert not copy(settings).is_new
    assert names_in(objects) == before
    # Another data folder has a generation of that number too.
    write_generation(settings, 1, built_at="2026-04-01")
    assert copy(settings).is_new
    # What names it can be lost or damaged; the tables are still there.
    for damage in (
        lambda: obstore.delete(objects, "current.json"),
        lambda: obstore.put(objects, "current.json", b"{"),
    ):
        before = names_in(objects)
        damage()
        assert copy(settings).is_new
        assert names_in(objects) == before


def test_generations_stay_as_long_as_in_the_data_folder(settings: Settings, objects: Any) -> None:
    settings = replace(settings, keep=2)
    for number in (1, 2, 3):
        write_generation(settings, number)
        copy(settings)
    assert folders_in(objects) == ["generation-000002", "generation-000003"]
    assert copy(settings, 2).is_new
    assert generation_in(objects) == 2
    # What an erasure removed from the data folder goes at the next copy.
    (settings.generations / "analytics-000002.duckdb").unlink()
    copy(settings)
    assert folders_in(objects) == ["generation-000003"]
    assert generation_in(objects) == 3


def test_what_a_killed_copy_left_goes_after_a_day(
    settings: Settings, objects: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_generation(settings, 1)
    left = "generation-000001-20260301T000000-abcdef/processes/part.parquet"
    obstore.put(objects, left, b"")
    copy(settings)
    assert left in names_in(objects)  # another copy may be writing it
    assert generation_in(objects) == 1
    monkeypatch.setattr(delta_store, "_ABANDONED_AFTER", timedelta(days=-1))
    copy(settings)
    assert left not in names_in(objects)
    assert generation_in(objects) == 1


def test_of_two_copies_at_the_same_time_one_gives_up(
    settings: Settings, objects: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_generation(settings, 1)
    write_generation(settings, 2)
    write = delta_store._write

    def slowly(store: Any, source: Source, start: str) -> str:
        monkeypatch.setattr(delta_store, "_write", write)
        copy(settings, 2)
        return write(store, source, start)

    for has_pointer in (False, True):
        if has_pointer:
            obstore.delete(objects, [name for name in names_in(objects) if "/" in name])
        monkeypatch.setattr(delta_store, "_write", slowly)
        with pytest.raises(OperationError, match="another process copied there"):
            copy(settings, 1)
        assert generation_in(objects) == 2


def test_objects_of_others_are_left_alone(settings: Settings, objects: Any) -> None:
    write_generation(settings, 1)
    for name in ("report.csv", "sales/current.json"):
        obstore.put(objects, name, b"")
        with pytest.raises(OperationError, match=r"has other objects \(.*\)\. Name a new or an"):
            copy(settings)
        assert names_in(objects) == [name]
        obstore.delete(objects, name)


@pytest.mark.usefixtures("objects")
@pytest.mark.parametrize(
    ("bucket", "found"),
    [("missing", "the store refuses (NoSuchBucket)"), ("tables", "the store does not answer")],
)
def test_a_store_that_cannot_be_used_is_reported_in_a_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, bucket: str, found: str
) -> None:
    write_generation(settings, 1)
    if bucket == "tables":
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(OperationError) as raised:
        copy_generation(settings, DeltaStoreAddress(bucket, "x"))
    assert str(raised.value).startswith(f"delta+s3://{bucket}/x: {found}. The former generation")
    assert SECRET not in str(raised.value)
    assert "\n" not in str(raised.value)
