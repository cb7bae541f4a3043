"""The rights that new files and folders of this process get."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def private_files() -> Iterator[None]:
    """In the block, new files and folders of this process are their owner's alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def usual_mode(mode: int) -> int:
    """The rights that a new file or folder usually gets from this process."""
    umask = os.umask(0o077)
    os.umask(umask)
    return mode & ~umask
