"""Bugs in which ids are refused."""

from __future__ import annotations

from typing import Any

from contract.sabotage.registry import sabotage

from memstore.memory import SCOPE_FIELDS
from memstore_in_memory import InMemoryMemoryStore

EVERYTHING = {"operator": "AND", "conditions": []}


def _ids(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: arguments[name] for name in SCOPE_FIELDS if arguments.get(name) is not None}


def _without(arguments: dict[str, Any], *values: Any) -> dict[str, Any]:
    """The arguments without ids that are one of these."""
    return {k: v for k, v in arguments.items() if k not in SCOPE_FIELDS or not any(v is x or v == x for x in values)}


@sabotage(
    caught_by="test_adding_needs_an_id",
    source="mem0ai: examples with user_id='default_user'",
)
class AddsForADefaultUser(InMemoryMemoryStore):
    """Adds for a default user where no id is given."""

    def add_memories(self, **arguments):
        return super().add_memories(**arguments if _ids(arguments) else {**arguments, "user_id": "default_user"})


@sabotage(
    caught_by="test_adding_needs_an_id",
    source="writing a backend: the check stands behind the write",
)
class AddsBeforeItChecks(InMemoryMemoryStore):
    """Stores a memory without an id, and refuses it then."""

    def add_memories(self, **arguments):
        if not _ids(arguments):
            super().add_memories(**{**arguments, "user_id": "nobody"})
        return super().add_memories(**arguments)


@sabotage(
    caught_by="test_searching_needs_an_id_or_a_filter",
    source="writing a SQL backend: no WHERE where there are no conditions",
)
class SearchesEverybody(InMemoryMemoryStore):
    """Finds everybody's memories where nothing is given."""

    def search_memories(self, *, filters=None, **arguments):
        filters = filters if filters or _ids(arguments) else EVERYTHING
        return super().search_memories(filters=filters, **arguments)


@sabotage(
    caught_by="test_searching_needs_an_id_or_a_filter",
    source="writing a backend: `if filters is not None`",
)
class EmptyFilterIsOne(InMemoryMemoryStore):
    """Takes `filters={}` for a filter that everything matches."""

    def search_memories(self, *, filters=None, **arguments):
        return super().search_memories(filters=EVERYTHING if filters == {} else filters, **arguments)


@sabotage(
    caught_by="test_searching_needs_an_id_or_a_filter",
    source="needs.md: failure is not empty; a mistake of the caller neither",
)
class SearchOfNobodyIsEmpty(InMemoryMemoryStore):
    """Finds nothing where nothing is given, and does not say why."""

    def search_memories(self, *, filters=None, **arguments):
        return super().search_memories(filters=filters, **arguments) if filters or _ids(arguments) else []


@sabotage(
    caught_by="test_deleting_all_needs_an_id",
    source="mem0ai/mem0#3928: delete wiped all users",
)
class DeletesEverybody(InMemoryMemoryStore):
    """Deletes everybody's memories where no id is given."""

    def delete_all_memories(self, **ids):
        if _ids(ids):
            super().delete_all_memories(**ids)
        else:
            self._delete(list(self._memories))


@sabotage(
    caught_by="test_adding_refuses_impossible_ids",
    source="writing a backend: str(user_id), so that a UUID is welcome",
)
class AddsForWhatLooksLikeAnId(InMemoryMemoryStore):
    """Makes a string of whatever is given as an id on adding."""

    def add_memories(self, **arguments):
        return super().add_memories(**arguments | {name: str(value) for name, value in _ids(arguments).items()})


@sabotage(
    caught_by="test_adding_refuses_impossible_ids",
    source="pydantic: str_strip_whitespace=True",
)
class BlanksCutOff(InMemoryMemoryStore):
    """Cuts blanks off the ids on adding."""

    def add_memories(self, **arguments):
        ids = {name: value.strip() if isinstance(value, str) else value for name, value in _ids(arguments).items()}
        return super().add_memories(**arguments | ids)


@sabotage(
    caught_by="test_searching_refuses_impossible_ids",
    source="mem0.md: `*` is a wildcard for any non-null value",
)
class StarIsAnyUser(InMemoryMemoryStore):
    """Takes `*` in a search for any user, where there is another id."""

    def search_memories(self, **arguments):
        return super().search_memories(**_without(arguments, "*") if len(_ids(arguments)) > 1 else arguments)


@sabotage(
    caught_by="test_searching_refuses_impossible_ids",
    source="writing an HTTP backend: the single message is asked of an endpoint that checks nothing",
)
class SingleMessageOfAnyId(InMemoryMemoryStore):
    """Makes an id of whatever is no string, for the single message."""

    def search_memories_as_single_message(self, **arguments):
        ids = {name: value if isinstance(value, str) else repr(value) for name, value in _ids(arguments).items()}
        return super().search_memories_as_single_message(**arguments | ids)


@sabotage(
    caught_by="test_deleting_all_refuses_impossible_ids",
    source="mem0.md: DELETE /v1/memories/?user_id=* deletes everybody's",
)
class StarDeletesEverybody(InMemoryMemoryStore):
    """Deletes everybody's memories for the id `*`."""

    def delete_all_memories(self, **ids):
        if "*" in ids.values():
            self._delete(list(self._memories))
        else:
            super().delete_all_memories(**ids)


@sabotage(
    caught_by="test_deleting_all_refuses_impossible_ids",
    source="writing a backend: a deletion must never fail, so there is no check",
)
class DeletesNothingInSilence(InMemoryMemoryStore):
    """Returns as if all was well where an id to delete by is no string."""

    def delete_all_memories(self, **ids):
        if all(isinstance(value, str) for value in _ids(ids).values()):
            super().delete_all_memories(**ids)


@sabotage(
    caught_by="test_impossible_app_ids_are_refused",
    source="writing a backend: app_id came later, and the check names the other three",
)
class AppIdNotChecked(InMemoryMemoryStore):
    """Takes an empty `app_id` on adding for none."""

    def add_memories(self, *, app_id=None, **arguments):
        return super().add_memories(app_id=app_id or None, **arguments)


@sabotage(
    caught_by="test_an_empty_id_never_drops_the_scope",
    source="mem0-haystack 1.0.0: an empty-string id drops the scope",
)
class EmptyIdDropsTheScope(InMemoryMemoryStore):
    """Leaves an empty id out of a search, and searches with the rest."""

    def search_memories(self, **arguments):
        return super().search_memories(**_without(arguments, ""))


@sabotage(
    caught_by="test_an_empty_id_never_drops_the_scope",
    source="writing a backend: {k: v for k, v in ids.items() if v.strip()}",
)
class BlankIdWidensTheDeletion(InMemoryMemoryStore):
    """Leaves a blank id out of a deletion, and deletes by the rest."""

    def delete_all_memories(self, **ids):
        super().delete_all_memories(**_without(ids, "", " "))


@sabotage(
    caught_by="test_an_empty_id_never_drops_the_scope",
    source="writing a backend: the prompt's memories are read by code of their own",
)
class EmptyIdWidensTheMessage(InMemoryMemoryStore):
    """Leaves an empty id out of the search for the single message."""

    def search_memories_as_single_message(self, **arguments):
        return super().search_memories_as_single_message(**_without(arguments, ""))


@sabotage(
    caught_by="test_listing_refuses_impossible_ids",
    source="writing a backend: `if user_id:` in the listing",
)
class ListsWithoutEmptyIds(InMemoryMemoryStore):
    """Leaves an empty id out of a listing."""

    def list_memories(self, **arguments):
        return super().list_memories(**_without(arguments, ""))


@sabotage(
    caught_by="test_counting_refuses_impossible_ids",
    source="SQL: a comparison with an integer counts no row, and says nothing",
)
class CountsOfNumbersAreZero(InMemoryMemoryStore):
    """Counts nothing for an id that is no string, and does not say why."""

    def count_memories(self, **arguments):
        strings = all(isinstance(value, str) for value in _ids(arguments).values())
        return super().count_memories(**arguments) if strings else 0


@sabotage(
    caught_by="test_exporting_refuses_impossible_ids",
    source="writing a backend: `if user_id:`, where no id means a backup of everything",
)
class ExportOfAnEmptyIdIsWhole(InMemoryMemoryStore):
    """Exports everybody's memories for an empty id."""

    def export_memories(self, file, **arguments):
        return super().export_memories(file, **_without(arguments, ""))


@sabotage(
    caught_by="test_purging_refuses_impossible_ids",
    source="writing a backend: purging is no danger, so its ids are not looked at",
)
class PurgeOfAnEmptyIdIsWhole(InMemoryMemoryStore):
    """Purges everywhere for an empty id."""

    def purge_expired_memories(self, **ids):
        return super().purge_expired_memories(**_without(ids, ""))
