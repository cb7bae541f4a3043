"""The fingerprint of all that a published database is built from."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import duckdb
import polars as pl

import pipelines
import schemas
import transforms
from pipelines.publish.pepper import pepper_of
from pipelines.settings import Settings
from schemas.definitions.procedure import Procedures
from transforms.builder.fingerprints import digest, fingerprint_procedures, fingerprint_raw

_PACKAGES = (schemas, transforms, pipelines)


def fingerprint_inputs(
    con: duckdb.DuckDBPyConnection, settings: Settings, procedures: Procedures
) -> str:
    """sha256 of the raw tables, the definitions, the reporting time zone, the pepper, our code and
    its engines.

    A new edition of the time zone database alone does not count; the next generation has it.
    """
    return digest(
        fingerprint_raw(con),
        fingerprint_procedures(procedures),
        settings.time_zone,
        hashlib.sha256(pepper_of(settings)).hexdigest(),
        _code(),
        version("leadtime"),
        duckdb.__version__,
        pl.__version__,
    )


@cache
def _code() -> str:
    """sha256 of the Python and SQL files of leadtime; an edit makes other tables."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        folder = Path(str(package.__file__)).parent
        for file in sorted((*folder.rglob("*.py"), *folder.rglob("*.sql"))):
            digest.update(f"{file.relative_to(folder)}\n".encode() + file.read_bytes())
    return digest.hexdigest()
