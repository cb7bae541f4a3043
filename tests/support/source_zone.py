"""A landing folder with sources beside a warehouse in memory; the shipped examples of sources.

What must come of the rows belongs to the tests.
"""

import shutil
from pathlib import Path
from typing import Any

from pipelines.ingest.files import IngestReport, ingest
from pipelines.ingest.landing import find_files
from schemas.definitions.procedure import Procedures
from schemas.load import load_procedures
from tests.support.landing_zone import NOW, Zone

EXAMPLES = Path(__file__).parents[2] / "schemas" / "sources"


def example(shape: str, folder: Path) -> Procedures:
    """The procedure and the source of a shipped example, copied to a folder to change them."""
    shutil.copytree(EXAMPLES / shape, folder / shape)
    return load_procedures(folder / shape)


class SourceZone(Zone):
    """A landing folder whose files are read by sources."""

    def __init__(self, folder: Path, procedures: Procedures) -> None:
        folder.mkdir(exist_ok=True)
        super().__init__(folder)
        self.procedures = procedures

    def text(self, name: str, *lines: str) -> None:
        self.put(name, *(f"{line}\n".encode() for line in lines))

    def take_in(self) -> IngestReport:
        files, _ = find_files(self.folder, self.procedures.file_sources)
        return ingest(self.con, files, self.procedures, started_at=NOW)

    def states(self) -> list[tuple[Any, ...]]:
        """(key, state, status, hours since 2026-01-01) of each version, by key and time."""
        names = {state.id: state.short_id for p in self.procedures for state in p.states}
        key = next(p.primary_key for p in self.procedures)
        rows = self.rows(f"""
            select
                data->>'{key}', state_id::varchar, status,
                round((epoch_ms(updated_at) - epoch_ms(timestamp '2026-01-01')) / 3600000, 2)
            from raw.process_versions where not is_deleted
            order by 1, updated_at, ingest_seq
        """)
        return [(key, names[state], status, hours) for key, state, status, hours in rows]

    def rejected(self) -> list[tuple[Any, ...]]:
        """(file, line, rules, text) of each quarantined row, in order."""
        return self.rows(
            "select f.file_name, q.line, q.rules, q.raw_text from raw.quarantine as q "
            "inner join raw.ingest_files as f using (file_seq) order by file_seq, line"
        )
