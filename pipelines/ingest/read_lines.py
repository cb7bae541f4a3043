"""Text files with one record per line, as chunks of those lines."""

from collections.abc import Iterator
from dataclasses import replace

from pipelines.ingest.chunks import CHUNK_BYTES, Chunk, split_lines
from pipelines.ingest.landing_file import LandingFile, read_blocks


def read_lines(file: LandingFile, chunk_bytes: int = CHUNK_BYTES) -> Iterator[Chunk]:
    """The lines of a text file in order, in chunks of about `chunk_bytes` or 60,000 lines.

    Raises `UnreadableFile` when it does not decompress to its end.
    """
    position = 0

    def blocks() -> Iterator[bytes]:
        nonlocal position
        for block, read in read_blocks(file):
            position = read
            yield block

    for chunk in split_lines(blocks(), lambda: position, chunk_bytes):
        yield replace(chunk, content=file.content)
