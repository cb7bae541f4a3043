"""Writes what is inferred from data as files of definitions, and never over a file."""

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pipelines.infer.advice import ForeignFile, ForeignFolder
from pipelines.infer.dated_lists import read_lists
from pipelines.infer.from_foreign import Inferred, infer_from_foreign
from pipelines.infer.inference import infer_procedure
from pipelines.infer.writing import write_proposal
from pipelines.infer.writing_source import write_source
from schemas.errors import OperationError
from schemas.loading.sources import SUBFOLDER


def infer_definitions(
    path: Path,
    *,
    now: datetime,
    procedure: str | None = None,
    names: Mapping[str, str] | None = None,
    time_zone: str | None = None,
) -> Inferred:
    """The definition for a landing file or folder, and the source for one of another shape.

    A folder of dated lists has one source for all of them. Arguments and errors are those of
    `infer_procedure` and `infer_from_foreign`.
    """
    try:
        found = infer_procedure(path, now=now, procedure=procedure, names=names)
    except (ForeignFile, ForeignFolder) as error:
        lists = read_lists(path) if path.is_dir() else None
        if lists is not None:
            return infer_from_foreign(lists, now=now, time_zone=time_zone)
        if isinstance(error, ForeignFolder):
            raise
        return infer_from_foreign(error.foreign, now=now, time_zone=time_zone)
    return Inferred(replace(found, time_zone=time_zone))


def write_definitions(inferred: Inferred, folder: Path) -> list[Path]:
    """Write `<shortId>.yaml`, and `sources/<name>.yaml` where there is a source; the files.

    Raises `OperationError` when one of them is there already; then none is written.
    """
    texts = {folder / f"{inferred.proposal.short_id}.yaml": write_proposal(inferred.proposal)}
    if source := inferred.source:
        text = write_source(source, inferred.notes or {})
        texts[folder / SUBFOLDER / f"{source.name}.yaml"] = text
    if folder.exists() and not folder.is_dir():
        raise OperationError(str(folder), "is a file", "Name a folder with --to.")
    taken = [path for path in texts if os.path.lexists(path)]
    if taken:
        action = "Nothing was written: move it away, or name another folder with --to."
        raise OperationError(", ".join(map(str, taken)), "already there", action)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    return [*texts]
