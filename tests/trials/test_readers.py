"""Readers go on while generations are published: no error, and each sees one generation."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.run import Request
from tests.support import changing_job as job
from tests.support.builds import build_all
from tests.support.definition_runs import AS_OF, land, run, warehouse
from tests.support.scale import Scale, at_each_scale

_READERS = 2

READ = """
import sys
import time
from pathlib import Path

import pytest
from pipelines.publish.reader import open_published
from pipelines.settings import Settings

data, stop = map(Path, sys.argv[1:])
settings = Settings(data=data, threads=1)
reads, generations, is_last = 0, [], False
while not is_last:
    is_last = stop.exists()
    with open_published(settings) as con:
        (generation,), = con.execute("select generation from build").fetchall()
        query = "select table_name, n_rows from catalog where n_rows is not null"
        for table, rows in con.execute(query).fetchall():
            found = con.execute(f'select count(*) from "{table}"').fetchall()
            assert found == [(rows,)], (generation, table, rows, found)
        assert con.execute("from funnel(['NEW', 'DONE'], procedure := 'job')").fetchall()
    generations.append(generation)
    reads += 1
    if reads == 1:
        print("reading", flush=True)
    time.sleep(0.1)
assert generations == sorted(generations), "an older generation came back"
print(reads, generations[0], generations[-1])
"""


@pytest.mark.nightly
@at_each_scale
def test_readers_are_never_disturbed(
    tmp_path: Path, scale: Scale, record_property: Callable[[str, object], None]
) -> None:
    settings = replace(warehouse(tmp_path, job.first_lines()), keep=2)
    run(settings, job.DEFINITION, job.OTHER)
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", READ, str(settings.data), str(stop)]
    with ExitStack() as stack:
        readers = [
            stack.enter_context(
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            )
            for _ in range(_READERS)
        ]
        try:
            for reader in readers:
                assert reader.stdout
                assert reader.stdout.readline() == "reading\n"
            for number in range(scale.publications):
                land(settings, [job.line(10 + number, 0, job.NEW, {})])
                build_all(settings, Request(as_of=AS_OF))
        finally:
            stop.touch()
        ended = [(*reader.communicate(), reader.returncode) for reader in readers]
    assert [(err, code) for _, err, code in ended] == _READERS * [("", 0)]
    reads, first, last = zip(*(map(int, out.split()) for out, *_ in ended), strict=True)
    assert {*first} == {1}
    assert {*last} == {1 + scale.publications}
    record_property("publications", scale.publications)
    record_property("reads", sum(reads))
