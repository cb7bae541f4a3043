"""Which files are taken, and how bytes become lines, wherever blocks and chunks happen to end."""

import errno
import gzip
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ingest import chunks as chunks_module
from pipelines.ingest import landing_file
from pipelines.ingest.chunks import Chunk, split_lines
from pipelines.ingest.landing import find_files
from pipelines.ingest.landing_file import LandingFile, UnreadableFile
from pipelines.ingest.read_lines import read_lines
from schemas.errors import OperationError


def put(folder: Path, name: str, content: bytes = b"x") -> LandingFile:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return next(file for file in find_files(folder)[0] if file.path == path)


def split(content: bytes, block: int, chunk: int = 2**20) -> list[Chunk]:
    blocks = (content[start : start + block] for start in range(0, len(content), block))
    return list(split_lines(blocks, lambda: 0, chunk))


def test_files_are_found_in_order_of_their_names(tmp_path: Path) -> None:
    ours = ["2026/b.json.zst", "a.ndjson", "B.JSONL.GZ", "c.parquet", "d.tar.ndjson"]
    others = ["a.csv", "e.parquet.gz", "ndjson", "f.zst"]
    unfinished = ["g.ndjson.tmp", "h.ndjson~", ".i.ndjson", "_j.ndjson", ".tmp/k.ndjson", "l.part"]
    for name in [*ours, *others, *unfinished]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "folder.ndjson").mkdir()
    found, left = find_files(tmp_path)
    assert [file.name for file in found] == sorted(ours)
    assert left == sorted(others)
    assert {file.name: (file.format, file.compression) for file in found} == {
        "2026/b.json.zst": ("json", "zst"),
        "B.JSONL.GZ": ("ndjson", "gz"),
        "a.ndjson": ("ndjson", None),
        "c.parquet": ("parquet", None),
        "d.tar.ndjson": ("ndjson", None),
    }


def test_a_name_need_not_be_text(tmp_path: Path) -> None:
    with Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.ndjson")).open("wb"):
        pass
    ((file,), _) = find_files(tmp_path)
    assert file.name == "a\\xff.ndjson"
    assert file.is_unchanged()


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="no such landing folder"):
        find_files(tmp_path / "nowhere")


def test_an_unreadable_folder_is_not_taken_as_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shut").mkdir()
    scandir = os.scandir

    def locked(folder: str) -> object:
        if Path(folder).name == "shut":
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(OperationError, match="shut: cannot be listed: permission denied"):
        find_files(tmp_path)


def test_a_file_is_known_by_its_bytes_and_found_changed(tmp_path: Path) -> None:
    file = put(tmp_path, "a.ndjson", b"one\n")
    assert file.sha256() == hashlib.sha256(b"one\n").hexdigest()
    assert file.is_unchanged()
    file.path.write_bytes(b"one\ntwo\n")
    assert not file.is_unchanged()
    file.path.unlink()
    assert not file.is_unchanged()


@given(
    st.lists(st.sampled_from((b"a", b"bb", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\xff"))).map(
        b"".join
    ),
    st.integers(1, 7),
    st.integers(1, 9),
)
@settings(max_examples=100, deadline=None)
def test_lines_do_not_depend_on_blocks_and_chunks(content: bytes, block: int, size: int) -> None:
    chunks = split(content, max(block, 3), size)
    assert [chunk.first_line for chunk in chunks] == [
        1 + sum(chunk.lines for chunk in chunks[:n]) for n in range(len(chunks))
    ]
    assert all(len(chunk.texts) == chunk.lines for chunk in chunks)
    expected = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    assert [text for chunk in chunks for text in chunk.texts] == (
        expected if expected[-1] else expected[:-1]
    )


def test_chunks_end_after_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks_module, "MAX_CHUNK_LINES", 2)
    assert [chunk.lines for chunk in split(b"a\nb\nc\nd\ne\n", 2)] == [2, 2, 1]


@pytest.mark.parametrize("block", [1, 3, 10, 1000])
def test_lines_that_are_too_long(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks_module, "MAX_LINE_BYTES", 20)
    monkeypatch.setattr(chunks_module, "TOO_LONG_KEPT_BYTES", 4)
    content = b"one\n" + b"abcdefg" * 10 + b"\ntwo\n" + b"y" * 50 + b"\n\n" + b"z" * 30
    chunks = split(content, block, 8)
    lines = {c.first_line + n: text for c in chunks for n, text in enumerate(c.texts)}
    too_long = {number: text for chunk in chunks for number, text in chunk.too_long.items()}
    assert sum(chunk.lines for chunk in chunks) == 6
    assert (lines[1], lines[3], lines[5]) == (b"one", b"two", b"")
    # A long line inside one block is found where its lines are looked at (parse.py).
    assert all(too_long[n] == lines[n][:4] or not lines[n] for n in too_long)
    assert all(n in too_long or len(lines[n]) > 20 for n in (2, 4, 6))
    assert set(too_long) <= {2, 4, 6}


def _content(file: LandingFile) -> bytes:
    return b"".join(chunk.body for chunk in read_lines(file, 1000))


def test_compressed_files(tmp_path: Path) -> None:
    half, rest = b"one\ntwo and ", b"a half\n" * 5000
    frames = zstandard.compress(half) + zstandard.compress(rest)
    members = gzip.compress(half) + gzip.compress(rest)
    assert _content(put(tmp_path, "a.ndjson.zst", frames)) == half + rest
    assert _content(put(tmp_path, "a.ndjson.gz", members)) == half + rest
    assert _content(put(tmp_path, "b.ndjson.gz", members + b"\0" * 100)) == half + rest
    skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
    assert _content(put(tmp_path, "b.ndjson.zst", skippable + frames)) == half + rest
    assert _content(put(tmp_path, "empty.ndjson.gz", b"")) == b""
    assert _content(put(tmp_path, "empty.ndjson.zst", b"")) == b""


def _broken() -> Iterator[tuple[str, bytes]]:
    content = os.urandom(9000)
    zst, gz = zstandard.compress(content), gzip.compress(content)
    yield "cut.ndjson.zst", zst[:-5]
    yield "second_cut.ndjson.zst", zst + zst[:-5]
    yield "garbage_after.ndjson.zst", zst + b"garbage"
    yield "other.ndjson.zst", b"not compressed\n"
    yield "cut.ndjson.gz", gz[:-5]
    yield "checksum.ndjson.gz", gz[:-8] + b"\0\0\0\0" + gz[-4:]
    yield "damaged.ndjson.gz", gz[:100] + b"\0" * 50 + gz[150:]
    yield "garbage_after.ndjson.gz", gz + b"garbage"
    yield "other.ndjson.gz", b"not compressed\n"


@pytest.mark.parametrize(
    ("name", "content"), [*_broken()], ids=lambda v: v if isinstance(v, str) else ""
)
def test_files_that_do_not_decompress(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(UnreadableFile, match="it does not decompress as"):
        _content(put(tmp_path, name, content))


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_bomb_does_not_go_off(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landing_file, "_RATIO_FROM_BYTES", 5 * 2**20)
    zeros = b"0" * 30 * 2**20
    bomb = gzip.compress(zeros) if suffix == "gz" else zstandard.compress(zeros)
    file = put(tmp_path, f"bomb.ndjson.{suffix}", bomb)
    with pytest.raises(UnreadableFile, match="500 times its size"):
        _content(file)
