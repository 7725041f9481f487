"""Bugs in how a field's name finds a value."""

from __future__ import annotations

from contract.sabotage.engines import Engine, Rewriting
from contract.sabotage.registry import sabotage

from memstore.filters import Field


@sabotage(
    caught_by="test_dots_walk_objects",
    source="writing a vector backend: payloads are flat, so a field's name is a key",
)
class DottedFieldIsOneKey(Engine):
    """Looks up a dotted field as one key."""

    def stored(self, field, memory):
        return memory.meta.get(".".join(field.path[1:]))


@sabotage(
    caught_by="test_dots_walk_objects",
    source="mem0-haystack 1.0.0 reads `meta.c` as a key named meta.c",
)
class MetaIsPartOfTheKey(Rewriting):
    """Reads meta.c as a key of that name."""

    def comparison(self, condition):
        return {**condition, "field": condition["field"].replace("meta.", "meta\\.", 1)}


@sabotage(
    caught_by="test_dots_walk_objects",
    source="writing a SQL backend: field.split('.')",
)
class EscapedDotsSplit(Engine):
    """Walks into an object at a dot that is part of a key."""

    def stored(self, field, memory):
        value = memory.meta
        for key in ".".join(field.path[1:]).split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value


@sabotage(
    caught_by="test_dots_walk_objects",
    source="PostgreSQL: #> and MongoDB's dots walk arrays by number",
)
class DotsWalkLists(Engine):
    """Takes a number in a field for a place in a list."""

    def stored(self, field, memory):
        value = memory.meta
        for key in field.path[1:]:
            if isinstance(value, list) and key.isdigit() and int(key) < len(value):
                value = value[int(key)]
            else:
                value = value.get(key) if isinstance(value, dict) else None
        return value


@sabotage(
    caught_by="test_dots_walk_objects",
    source="SQL: the names of columns have no case",
)
class KeysWithoutCase(Engine):
    """Finds the key A by a."""

    def stored(self, field, memory):
        first = next((key for key in memory.meta if key.lower() == field.path[1].lower()), None)
        return super().stored(Field(("meta", first or field.path[1], *field.path[2:])), memory)
