"""A PostgreSQL server of the system's packages in a folder of its own, on a socket there.

Tests that need one are skipped where there is none.
"""

from __future__ import annotations

import csv
import io
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PASSWORD = "pass word"
_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@dataclass(frozen=True)
class PostgresServer:
    """A running server, whose user `loader` has the database `tables`."""

    folder: Path
    binaries: Path

    def address(self, schema: str = "leadtime", *, user: str = "loader") -> str:
        """An address without a password: PGPASSWORD has it."""
        return f"postgres://{user}@/tables?host={self.folder}&schema={schema}"

    def psql(self, *statements: str, user: str = "loader") -> str:
        """What psql prints for statements, each in a transaction of its own."""
        command = [str(self.binaries / "psql"), "-h", str(self.folder), "-U", user, "-d", "tables"]
        options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        commands = [part for statement in statements for part in ("-c", statement)]
        done = subprocess.run(
            [*command, *options, *commands],
            check=False,
            capture_output=True,
            env={**os.environ, "PGPASSWORD": PASSWORD, "PGTZ": "UTC"},
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().removesuffix("\n")

    def rows(self, query: str) -> list[list[str | None]]:
        """The rows of a query as texts."""
        (rows,) = self.rows_of_each([query])
        return rows

    def rows_of_each(self, queries: Iterable[str]) -> list[list[list[str | None]]]:
        """The rows of each query as texts."""
        options = "format csv, null '<null>', force_quote *"
        copies = [f"copy ({query}) to stdout ({options})" for query in queries]
        copied = self.psql(*(part for copy in copies for part in (copy, "\\echo <end>")))
        return [
            [
                [None if cell == "<null>" else cell for cell in row]
                for row in csv.reader(io.StringIO(text, newline=""))
            ]
            for text in re.split(r"^<end>\n?", copied, flags=re.MULTILINE)[:-1]
        ]


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    if not _BINARIES or not (_BINARIES[-1] / "initdb").exists():
        pytest.skip("no PostgreSQL is installed")
    binaries = _BINARIES[-1]
    folder = Path(tempfile.mkdtemp(prefix="leadtime-postgres-"))  # a short path, for its socket
    user = _user_for(folder)
    try:
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        data = str(folder / "data")
        made = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256"]
        made += ["--pwfile", folder / "password", "--no-sync", "-E", "UTF8", "--locale", "C"]
        subprocess.run(made, check=True, capture_output=True, user=user, cwd=folder)
        options = [f"unix_socket_directories={folder}", "listen_addresses=", "fsync=off"]
        command = [str(binaries / "postgres"), "-D", data]
        command += [part for option in options for part in ("-c", option)]
        with (
            (folder / "log").open("w") as log,
            subprocess.Popen(command, stdout=log, stderr=log, user=user, cwd=folder) as process,
        ):
            try:
                yield _prepared(PostgresServer(folder, binaries))
            finally:
                process.send_signal(signal.SIGINT)
    finally:
        shutil.rmtree(folder)


def _user_for(folder: Path) -> int | None:
    """Who runs the server: not root, as it refuses that."""
    if os.geteuid():
        return None
    names = {entry.pw_name: entry.pw_uid for entry in pwd.getpwall()}
    user = names.get("postgres", names["nobody"])
    os.chown(folder, user, -1)
    return user


def _prepared(server: PostgresServer) -> PostgresServer:
    ready = [server.binaries / "pg_isready", "-q", "-h", server.folder]
    for _ in range(300):
        if subprocess.run(ready, check=False).returncode == 0:
            break
        time.sleep(0.1)
    command = [server.binaries / "psql", "-X", "-q", "-h", server.folder, "-U", "postgres"]
    statements = [
        f"create role loader login password '{PASSWORD}'",
        "create database tables owner loader",
        "create role analyst login",
        "create role guest login",
    ]
    subprocess.run(
        [*command, *(part for s in statements for part in ("-c", s))],
        check=True,
        env={**os.environ, "PGPASSWORD": PASSWORD},
    )
    return server
