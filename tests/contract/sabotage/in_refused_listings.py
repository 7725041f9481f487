"""Bugs in which listings are refused."""

from __future__ import annotations

import base64
import json
from datetime import datetime

from contract.sabotage.registry import sabotage
from contract.sabotage.steps import Pager

from memstore.filters import TRUE
from memstore.memory import Scope, pinned_ids


@sabotage(
    caught_by="test_a_cursor_belongs_to_its_listing",
    source="writing a SQL backend: a cursor is a position and nothing else",
)
class CursorOfAnyListing(Pager):
    """Goes on with a cursor of any listing."""

    def cursor(self, place, wanted):
        return super().cursor(place, TRUE)

    def read(self, cursor, wanted):
        return super().read(cursor, TRUE)


@sabotage(
    caught_by="test_a_cursor_belongs_to_its_listing",
    source="writing a backend: a cursor that holds the scope, as filters may be long",
)
class CursorOfAScope(Pager):
    """Goes on with a cursor of any listing of the same ids."""

    def cursor(self, place, wanted):
        return super().cursor(place, Scope(**pinned_ids(wanted)[0]).filter)

    def read(self, cursor, wanted):
        return super().read(cursor, Scope(**pinned_ids(wanted)[0]).filter)


@sabotage(
    caught_by="test_refuses_malformed_cursors",
    source="Python: `if cursor:`",
)
class EmptyCursorIsNone(Pager):
    """Takes an empty cursor for none."""

    def list_memories(self, *, cursor=None, **arguments):
        return super().list_memories(cursor=cursor or None, **arguments)


@sabotage(
    caught_by="test_refuses_malformed_cursors",
    source="writing an HTTP backend: a cursor that has come to its end of life begins anew",
)
class UnreadableCursorsBeginAnew(Pager):
    """Lists the first page for a cursor that cannot be read."""

    def read(self, cursor, wanted):
        try:
            return super().read(cursor, wanted)
        except ValueError:
            return None


@sabotage(
    caught_by="test_refuses_malformed_cursors",
    source="Python: null cannot be unpacked, which is a TypeError",
)
class CursorsUnpacked(Pager):
    """Reads three values from a cursor that may hold something else."""

    def read(self, cursor, wanted):
        moment, memory_id, fingerprint = json.loads(base64.urlsafe_b64decode(cursor))
        if self.cursor((datetime.fromisoformat(moment), memory_id), wanted) != cursor:
            raise ValueError(fingerprint)
        return datetime.fromisoformat(moment), memory_id


@sabotage(
    caught_by="test_refuses_impossible_limits",
    source="Python: `limit or 100`",
)
class ZeroIsTheDefaultLimit(Pager):
    """Takes a limit of 0 for none."""

    def list_memories(self, *, limit=100, **arguments):
        return super().list_memories(limit=limit or 100, **arguments)


@sabotage(
    caught_by="test_refuses_impossible_limits",
    source="SQLite: LIMIT -1 is no limit",
)
class NegativeIsNoLimit(Pager):
    """Takes a negative limit for none."""

    def list_memories(self, *, limit=100, **arguments):
        negative = isinstance(limit, int) and limit < 0
        return super().list_memories(limit=100_000 if negative else limit, **arguments)


@sabotage(
    caught_by="test_listing_needs_an_id_or_a_filter",
    source="writing a SQL backend: no id, and so no WHERE",
)
class ListsEverybody(Pager):
    """Lists everybody's memories where no id is given."""

    def wanted(self, filters, ids):
        return super().wanted(filters, ids) if filters is not None or ids else TRUE


@sabotage(
    caught_by="test_listing_needs_an_id_or_a_filter",
    source="Python: `if filters is not None`",
)
class EmptyFilterIsEverything(Pager):
    """Takes an empty filter for one that everything matches."""

    def wanted(self, filters, ids):
        return TRUE if filters == {} else super().wanted(filters, ids)


@sabotage(
    caught_by="test_listing_needs_an_id_or_a_filter",
    source="mem0.md: mem0-haystack drops the scope when an id is an empty string",
)
class EmptyIdListsEverybody(Pager):
    """Drops an id that is empty, and with it the scope."""

    def wanted(self, filters, ids):
        given = {name: value for name, value in ids.items() if value}
        return TRUE if ids and not given else super().wanted(filters, given)
