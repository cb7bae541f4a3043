"""One landing file: what it is, and its decompressed bytes."""

import errno
import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

import zstandard

from schemas.definitions.source import Source, taken_at
from schemas.records.dimensions import PROCESSES

_BLOCK_BYTES = 4 * 2**20
# Real process records shrink 10 to 60 times; a file that grows more than this is an attack or a
# mistake, and would fill the disk before it ends.
_MAX_RATIO = 500
_RATIO_FROM_BYTES = 256 * 2**20
# A record has 150 bytes and more, and so at least one byte in a compressed file.
_LINES_OF_ANY_FILE = 100_000

# File systems stamp files with the time of the last tick of the kernel's clock.
_CLOCK_TICK_NS = 20_000_000

FileMark = tuple[int, int, int]
"""Size, time of the last write and time of the last change of any kind, in nanoseconds."""


@dataclass(frozen=True)
class LandingFile:
    """A file in the landing folder as it was found; `name` is relative to that folder.

    `content` is what its lines are: `processes`, or the dimension the file is named after. The last
    `depth` parts of `path` lie in the landing folder: none of them may be a link. A `source` says
    how its rows become process records, if they are of another shape.
    """

    path: Path
    name: str
    format: str
    compression: str | None
    size: int
    mtime_ns: int
    ctime_ns: int
    found_at_ns: int
    content: str = PROCESSES
    depth: int = 1
    source: Source | None = None

    @property
    def is_recent(self) -> bool:
        """Whether it had just changed when it was found: its times might hide one more change."""
        return self.found_at_ns - self.ctime_ns < _CLOCK_TICK_NS

    @property
    def mark(self) -> FileMark:
        """What tells this state of the file from a later one without reading it."""
        return self.size, self.mtime_ns, self.ctime_ns

    def is_unchanged(self) -> bool:
        """Whether the file is still as it was found; programs cannot set back a `ctime`."""
        try:
            found = self.path.lstat()
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns, found.st_ctime_ns) == self.mark

    def open(self) -> BufferedReader:
        """The bytes of the file.

        Raises `FileNotFoundError` where a link or anything but a file has its name now, and other
        `OSError` when this user may not read it.
        """
        parts = self.path.parts
        folder = os.open(Path(*parts[: -self.depth]), os.O_RDONLY | os.O_DIRECTORY)
        for part in parts[-self.depth : -1]:
            folder = _opened_in(folder, part, os.O_DIRECTORY)
        # Not blocking: a pipe would wait for its other end.
        handle = _opened_in(folder, parts[-1], os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise FileNotFoundError(errno.ENOENT, "it is not a file", str(self.path))
        return os.fdopen(handle, "rb")

    def sha256(self) -> str:
        """What the file is known by: its bytes, and of a full list also the date in its name.

        A list of a later day with the same bytes is another one.
        """
        with self.open() as file:
            digest = hashlib.file_digest(file, "sha256")
        if self.source and self.source.shape == "snapshots":
            digest.update(f"\n{taken_at(self.name)}".encode())
        return digest.hexdigest()


class UnreadableFile(Exception):
    """A file that cannot be read to its end; the sentence says why."""


def most_bytes(size: int) -> int:
    """The most bytes that the content of a file of `size` bytes may take."""
    return max(_RATIO_FROM_BYTES, _MAX_RATIO * size)


def most_lines(size: int) -> int:
    """The most lines, or rows, that a file of `size` bytes may have."""
    return _LINES_OF_ANY_FILE + size


def _opened_in(folder: int, name: str, flags: int) -> int:
    """What has this name in an open folder, which is closed; a link is not followed."""
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | flags, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise FileNotFoundError(errno.ENOENT, "it is a link", name) from error
        raise
    finally:
        os.close(folder)


def read_blocks(file: LandingFile) -> Iterator[tuple[bytes, int]]:
    """The decompressed bytes of a file, each block with the number of file bytes read so far."""
    with file.open() as raw:
        for block in _limited(_BLOCKS[file.compression](raw), raw, file.size):
            yield block, raw.tell()


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


def _limited(blocks: Iterator[bytes], raw: BinaryIO, size: int) -> Iterator[bytes]:
    grown, lines = 0, 0
    for block in blocks:
        grown += len(block)
        lines += block.count(b"\n")
        if grown > most_bytes(raw.tell()):
            raise UnreadableFile(f"it decompresses to more than {_MAX_RATIO:,} times its size")
        if lines > most_lines(size):
            raise UnreadableFile(f"it has more than {most_lines(size):,} lines")
        yield block
