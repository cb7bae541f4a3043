"""The landing folder: which files there are, what they are, and their bytes as chunks of lines.

What a line means (JSON, a record, a rule) does not belong here.
"""

import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import zstandard

from schemas.dimensions import DIMENSIONS, PROCESSES
from schemas.errors import SourceError

FORMATS = {".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json", ".parquet": "parquet"}
COMPRESSIONS = {".gz": "gz", ".zst": "zst"}
# Larger chunks share the fixed costs of judging (0.2 s) among more lines, and take more memory.
CHUNK_BYTES = 48 * 2**20
_CHUNK_LINES = 60_000  # lines that break every rule take the more memory the shorter they are
LONGEST_LINE_BYTES = 32 * 2**20
KEPT_OF_TOO_LONG = 64 * 2**10
_BLOCK_BYTES = 4 * 2**20
_HIDDEN = (".", "_", "~")
_TEMPORARY_SUFFIXES = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp", "~")
_BOM = b"\xef\xbb\xbf"
# Real process records shrink 10 to 60 times; a file that grows more than this is an attack or a
# mistake, and would fill the disk before it ends.
_LARGEST_RATIO = 500
_RATIO_FROM_BYTES = 256 * 2**20


@dataclass(frozen=True)
class LandingFile:
    """A file in the landing folder as it was found; `name` is relative to that folder.

    `content` is what its lines are: `processes`, or the dimension the file is named after.
    """

    path: Path
    name: str
    format: str
    compression: str | None
    size: int
    mtime_ns: int
    content: str = PROCESSES

    def is_unchanged(self) -> bool:
        """Whether the file is still the one that was found."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns) == (self.size, self.mtime_ns)

    def sha256(self) -> str:
        """What the file is known by."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Chunk:
    """Some whole lines of a file.

    `body` holds the lines with a newline each, `lines` their number and `first_line` the number of
    the first, from 1. `too_long` has the start of lines that are longer than
    `LONGEST_LINE_BYTES`; in `body` such a line is empty. `position` says how many bytes of the
    file have been read, `content` what its lines are.
    """

    body: bytes
    first_line: int
    lines: int
    position: int
    too_long: dict[int, bytes]
    content: str = PROCESSES

    @cached_property
    def texts(self) -> list[bytes]:
        """The bytes of each line, in order."""
        return self.body.split(b"\n")[:-1]


class UnreadableFile(Exception):
    """A file that cannot be read to its end; the sentence says why."""


def find_files(landing: Path) -> tuple[list[LandingFile], list[str]]:
    """The files to ingest in order of their names, and the names of those of another kind.

    Hidden files and files with a temporary name are neither: somebody is still writing them.
    Raises `SourceError` when there is no such folder.
    """
    if landing.is_file():
        raise SourceError(str(landing), "is a file", f"Name its folder: {landing.parent}")
    if not landing.is_dir():
        raise SourceError(
            str(landing),
            "no such landing folder",
            "Make it and put .ndjson, .json or .parquet files there, or name another with "
            "--landing",
        )
    found: list[LandingFile] = []
    others: list[str] = []
    for path in sorted(_entries(landing)):
        name = path.relative_to(landing)
        if path.name.startswith(_HIDDEN):
            continue
        if path.name.lower().endswith(_TEMPORARY_SUFFIXES) or not path.is_file():
            continue
        # A name need not be UTF-8; what is written to the warehouse must be.
        text = name.as_posix().encode(errors="surrogateescape").decode(errors="backslashreplace")
        kind = _kind(path)
        if kind is None:
            others.append(text)
            continue
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        content = _content(path, *kind)
        found.append(LandingFile(path, text, *kind, status.st_size, status.st_mtime_ns, content))
    return found, others


def _entries(landing: Path) -> Iterator[Path]:
    """All that lies in a folder and below; what may not be listed is an error, not an empty one."""

    def refuse(error: OSError) -> None:
        action = "Give the user of this run permission to read it"
        found = f"cannot be listed: {(error.strerror or str(error)).lower()}"
        raise SourceError(str(error.filename), found, action)

    for folder, folders, names in os.walk(landing, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(_HIDDEN)]
        yield from (Path(folder, name) for name in names)


def landing_file(path: Path) -> LandingFile | None:
    """A file by itself, as if it lay alone in a landing folder; None when it is of another kind."""
    kind = _kind(path)
    if kind is None:
        return None
    status = path.stat()
    content = _content(path, *kind)
    return LandingFile(path, path.name, *kind, status.st_size, status.st_mtime_ns, content)


def read_chunks(file: LandingFile, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """The lines of a text file in order, in chunks of about `chunk_bytes` or 60,000 lines.

    Raises `UnreadableFile` when it does not decompress to its end.
    """
    with file.path.open("rb") as raw:
        blocks = _limited(_BLOCKS[file.compression](raw), raw)
        for chunk in split_lines(blocks, raw.tell, chunk_bytes):
            yield replace(chunk, content=file.content)


def read_blocks(file: LandingFile) -> Iterator[tuple[bytes, int]]:
    """The decompressed bytes of a file, each block with the number of file bytes read so far."""
    with file.path.open("rb") as raw:
        for block in _limited(_BLOCKS[file.compression](raw), raw):
            yield block, raw.tell()


def split_lines(
    blocks: Iterator[bytes], position: Callable[[], int], chunk_bytes: int = CHUNK_BYTES
) -> Iterator[Chunk]:
    """Blocks of bytes -> chunks of whole lines. A last line needs no newline."""
    collected: list[bytes] = []  # whole lines
    collected_bytes = 0
    rest = b""  # the start of a line
    skipping = False  # inside a line that is too long
    first_line, lines = 1, 0
    too_long: dict[int, bytes] = {}
    is_start = True
    for incoming in blocks:
        block = incoming.removeprefix(_BOM) if is_start else incoming
        is_start = False
        if skipping:
            end = block.find(b"\n")
            if end < 0:
                continue
            block, skipping = block[end:], False
        end = block.rfind(b"\n") + 1
        if end:
            collected.append(rest + block[:end])
            collected_bytes += len(rest) + end
            lines += block.count(b"\n", 0, end)
            rest = block[end:]
        else:
            rest += block
        if len(rest) > LONGEST_LINE_BYTES:
            too_long[first_line + lines] = rest[:KEPT_OF_TOO_LONG]
            rest, skipping = b"", True
        if collected_bytes >= chunk_bytes or lines >= _CHUNK_LINES:
            yield Chunk(b"".join(collected), first_line, lines, position(), too_long)
            first_line, lines = first_line + lines, 0
            collected, collected_bytes, too_long = [], 0, {}
    if rest or skipping:
        collected.append(rest + b"\n")
        lines += 1
    if lines:
        yield Chunk(b"".join(collected), first_line, lines, position(), too_long)


def _kind(path: Path) -> tuple[str, str | None] | None:
    """Format and compression by the name; None for a file of another kind."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    if compression:
        suffixes.pop()
    kind = FORMATS.get(suffixes[-1]) if suffixes else None
    if kind is None or (kind == "parquet" and compression):
        return None
    return kind, compression


def _content(path: Path, format_: str, compression: str | None) -> str:
    """What the lines of a file are; `users.ndjson.gz` holds users, `users-2.ndjson` processes."""
    stem, *suffixes = path.name.split(".")
    is_bare = len(suffixes) == 1 + (compression is not None)
    return stem if stem in DIMENSIONS and format_ == "ndjson" and is_bare else PROCESSES


def _plain_blocks(raw: BinaryIO) -> Iterator[bytes]:
    while block := raw.read(_BLOCK_BYTES):
        yield block


def _gzip_blocks(raw: BinaryIO) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=raw) as file:
            while block := file.read(_BLOCK_BYTES):
                yield block
    except (EOFError, OSError, zlib.error) as error:
        raise UnreadableFile(f"it does not decompress as gzip: {error}") from error


def _zstd_blocks(raw: BinaryIO) -> Iterator[bytes]:
    # Small bites: a frame may hold 30,000 times its size, and only `decompressobj` tells whether
    # the last frame was complete.
    decompressor = zstandard.ZstdDecompressor()
    frame = decompressor.decompressobj()
    waiting: list[bytes] = []
    size = 0
    is_complete = True
    try:
        while bite := raw.read(4096):
            while bite:
                block = frame.decompress(bite)
                bite, is_complete = frame.unused_data, frame.eof
                if is_complete:
                    frame = decompressor.decompressobj()
                waiting.append(block)
                size += len(block)
            if size >= _BLOCK_BYTES:
                yield b"".join(waiting)
                waiting, size = [], 0
    except zstandard.ZstdError as error:
        raise UnreadableFile(f"it does not decompress as zstd: {error}") from error
    if not is_complete:
        raise UnreadableFile("it does not decompress as zstd: it ends in the middle of a frame")
    if size:
        yield b"".join(waiting)


_BLOCKS = {None: _plain_blocks, "gz": _gzip_blocks, "zst": _zstd_blocks}


def _limited(blocks: Iterator[bytes], raw: BinaryIO) -> Iterator[bytes]:
    grown = 0
    for block in blocks:
        grown += len(block)
        if grown > _RATIO_FROM_BYTES and grown > _LARGEST_RATIO * max(raw.tell(), 1):
            raise UnreadableFile(f"it decompresses to more than {_LARGEST_RATIO:,} times its size")
        yield block
