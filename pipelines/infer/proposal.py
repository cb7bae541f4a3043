"""The contents of a proposal, and names and ids for what the data identifies in one way only."""

import hashlib
import re
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID, uuid5

from schemas.definitions.procedure import StateKind
from schemas.definitions.values import Option
from schemas.privacy import Privacy

UUID_PATTERN = "(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# With a version and a variant of RFC 9562.
VALID_UUID_PATTERN = "(?i)[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_UUID = re.compile(UUID_PATTERN)
_COMPOUND = re.compile(
    "(last)?(create|close|created|closed|modified|updated|deal|lead|ticket|case|order|issue)"
    "(date|stage|status|name|id|number|key|owner|nummer)"
)


@dataclass(frozen=True)
class ProposedValue:
    """An attribute or a derived attribute; `note` says what it was guessed from."""

    id: str
    short_id: str
    type: str
    note: str
    options: tuple[Option, ...] = ()
    personal: Privacy = "no"
    required: bool = False
    unique: bool = False
    aliases: tuple[str, ...] = ()


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
    """A procedure as far as its versions tell; references are shortIds.

    `time_zone` is that of times without an offset, as far as it was given. The `funnel` is empty
    where no usual path was observed.
    """

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
    funnel: tuple[str, ...] = ()
    funnel_note: str = ""
    time_zone: str | None = None


class Name(NamedTuple):
    """How a definition calls a part: `aliases` are keys of the data that differ from both names."""

    id: str
    short_id: str
    aliases: tuple[str, ...] = ()


def is_id(key: str) -> bool:
    """Whether the data calls something by its id."""
    return _UUID.fullmatch(key) is not None


def words_of(key: str) -> list[str]:
    """The words of a key, in lower case: `leadId`, `Lead ID` and `lead_id` are the same."""
    spread = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key)
    found = re.findall(r"[a-z]+", spread.lower())
    return [part for word in found for part in _parts(word)]


def _parts(word: str) -> list[str]:
    """The words of a compound: `createdate`, `dealstage`, `ticketnummer`."""
    compound = _COMPOUND.fullmatch(word)
    return [part for part in compound.groups() if part] if compound else [word]


@dataclass
class Names:
    """Gives ids and shortIds to what the data knows by one of them; each may be used only once.

    Parts that may have aliases are never left without a name.
    """

    procedure: str
    section: str
    have_aliases: bool
    taken: set[str] = field(default_factory=set[str])

    def give(self, key: str, id_: str | None = None) -> Name | None:
        """The name of what the data calls `key`; a part of it that is made up is always the same.

        `id_` is the id where the data has it too. None when the key cannot be a shortId or is
        taken, and there can be no alias for it.
        """
        made_up = str(uuid5(UUID(self.procedure), f"{self.section}:{key}"))
        names: list[Name] = []
        if is_id(key):
            mine = key.lower()
            names += [
                Name(mine, f"{self.section}_{short}") for short in (mine[:8], mine.replace("-", ""))
            ]
        elif key and key == key.strip():
            names.append(Name((id_ or made_up).lower(), key))
        if self.have_aliases:
            digest = hashlib.sha256(key.encode()).hexdigest()
            readable = self.section if is_id(key) else key.strip() or "unnamed"
            names.append(Name(made_up, f"{readable}_{digest[:6]}", (key,)))
        return next(filter(self._take, names), None)

    def _take(self, name: Name) -> bool:
        mine = {name.id, f"shortId {name.short_id.lower()}"}
        if mine & self.taken:
            return False
        self.taken |= mine
        return True
