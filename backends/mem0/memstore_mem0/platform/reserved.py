"""The names in Mem0's metadata that are the store's own."""

from __future__ import annotations

from typing import Final

RESERVED: Final = "memstore"
"""The metadata key of a memory's own fields. All reserved names start with it."""

MIRRORED: Final = {"user_id": f"{RESERVED}_user_id", "agent_id": f"{RESERVED}_agent_id"}
"""Where in metadata the ids passed on add are kept.

With ``infer=true`` a fact is stored under its speaker's id only, whatever was passed.
"""

OWN_NAMES: Final = frozenset({RESERVED, *MIRRORED.values()})
"""What is hidden from the user's metadata."""

_ESCAPE: Final = f"{RESERVED}:"


def stored_name(name: str) -> str:
    """The name under which a key of the user's is stored: another one where it could be taken for the store's."""
    return _ESCAPE + name if name == RESERVED or name.startswith((f"{RESERVED}_", _ESCAPE)) else name


def given_name(name: str) -> str:
    """The user's key of a stored name."""
    return name.removeprefix(_ESCAPE)
