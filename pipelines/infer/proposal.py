"""What a proposal holds, and the names and ids it gives to what the data names in one way only.

How the parts are guessed, and how they are written, does not belong here.
"""

import re
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from schemas.definition_parts import column_name
from schemas.definition_values import Option
from schemas.definitions import StateKind

UUID_PATTERN = "(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UUID = re.compile(UUID_PATTERN)


@dataclass(frozen=True)
class ProposedValue:
    """An attribute or a derived attribute; `note` says what it was guessed from."""

    id: str
    short_id: str
    type: str
    note: str
    options: tuple[Option, ...] = ()
    personal: bool = False
    required: bool = False
    unique: bool = False


@dataclass(frozen=True)
class ProposedState:
    """A state; `note` says what its kind was guessed from."""

    id: str
    short_id: str
    kind: StateKind
    note: str
    is_known_by_id: bool


@dataclass(frozen=True)
class Moves:
    """The states that were seen to follow one; `note` has their counts in the same order."""

    state: str
    targets: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class Proposal:
    """A procedure as far as its versions tell; references are shortIds."""

    id: str
    short_id: str
    entity: str | None
    primary_key: str | None
    attributes: list[ProposedValue]
    derived: list[ProposedValue]
    states: list[ProposedState]
    states_note: str
    start: str
    start_note: str
    completed: str
    completed_note: str
    moves: list[Moves]
    head: list[str]


def is_id(key: str) -> bool:
    """Whether the data calls something by its id."""
    return _UUID.fullmatch(key) is not None


@dataclass
class Names:
    """Gives ids and shortIds to what the data knows by one of them; each may be used only once.

    What has a column must not share that either.
    """

    procedure: str
    section: str
    have_columns: bool
    taken: set[str] = field(default_factory=set[str])

    def give(self, key: str, id_: str | None = None) -> tuple[str, str] | None:
        """The (id, shortId) of what the data calls `key`; the other one is made up, always alike.

        `id_` is the id where the data has it too.
        None when the key cannot be a shortId, or when it or its column is taken.
        """
        if is_id(key):
            id_ = key.lower()
            short_ids = [f"{self.section}_{id_[:8]}", f"{self.section}_{id_.replace('-', '')}"]
        elif not key or key != key.strip():
            return None
        else:
            made_up = str(uuid5(UUID(self.procedure), f"{self.section}:{key}"))
            id_, short_ids = (id_ or made_up).lower(), [key]
        return next(((id_, name) for name in short_ids if self._take(id_, name)), None)

    def _take(self, id_: str, short_id: str) -> bool:
        mine = {id_, f"shortId {short_id.lower()}"}
        if self.have_columns:
            mine.add(f"column {column_name(short_id).lower()}")
        if mine & self.taken:
            return False
        self.taken |= mine
        return True
