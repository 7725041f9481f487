"""Scope: whose a memory is, and that nobody else's is found, starved or deleted."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

from memstore.filters import field, serialize
from memstore.testing.contract import expect
from memstore.testing.contract.harness import IDS, Harness

LOOKALIKES: Final = (
    *("maya", "Maya", "MAYA", "maya.", "may", "may\u0430"),  # the last ends in a Cyrillic letter
    *("Zo\u00eb", "Zoe\u0308", "Zoe", "stra\u00dfe", "strasse", "\u0131d", "id", "\ufb01t", "fit", "o\u200bk", "ok"),
    *("a%", "a_", "a*", "a?", "ab", "a\\b", "a\\\\b", "a'b", "a''b", 'a"b', "a b", "a  b", "a/b", "a.b", "[ab]"),
    *("1", "01", "1.0", "1e0", "true", "True", "null", "None", "undefined", "{}", "0"),
    *("2024-05-01", "2024-05-01T00:00", "2024-05-01 00:00", "2024-05-01T00:00:00Z", "2024-05-01T02:00+02:00"),
    *("x' OR '1'='1", "x'; DROP TABLE memories; --", "$ne", "user_id", "x OR user_id:*"),
    *("l" * 200, "l" * 199 + "m", "l" * 199),
)
"""Different ids that some engine or other takes for the same, or for more than an id."""

NEARER: Final = 300
"""How many memories of others stand between a query and the caller's own."""


class Scope(Harness):
    """Ids say whose memories are meant, exactly."""

    def test_ids_narrow_a_search(self, store: Any) -> None:
        """A search finds the memories whose own ids equal every id given; ids not given don't matter.

        If this fails, check that ids are joined by AND, none is left out, and an id not given is no condition.
        """
        self._narrows(store, self.ids_of(store))

    def test_ids_narrow_a_ranked_search(self, store: Any) -> None:
        """A search by a query finds only memories whose own ids equal every id given.

        If this fails, check that the engine that ranks gets every id, as the one that lists does.
        """
        self._narrows(store, self.ids_of(store), query="note", top_k=50)

    def test_app_id_narrows_like_the_others(self, store: Any) -> None:
        """`app_id` narrows as the other ids do, in all 15 combinations of the four.

        If this fails, check that `app_id` is stored and compared, and not swallowed by **kwargs.
        """
        self._narrows(store, (*self.ids_of(store), "app_id"))

    def test_each_id_has_a_place_of_its_own(self, store: Any) -> None:
        """The same value is another id under another name, and ids are never glued together.

        If this fails, check for one column shared by several ids, and for keys made by joining ids.
        """
        one, two, other = self.new_id(), self.new_id(), self.second_id(store)
        glued = [pair for glue in (":", "-", "/", "") for pair in ((f"{two}{glue}b", "c"), (two, f"b{glue}c"))]
        owners = [
            *({name: one} for name in self.ids_of(store)),
            *({"user_id": first, other: second} for first, second in glued),
        ]
        for owner in owners:
            self.add(store, f"of {owner}", **owner)
        for owner in owners:
            expect.equal(self.texts(store, **owner), [f"of {owner}"], f"texts found with {owner}")

    def test_a_memory_says_whose_it_is(self, store: Any) -> None:
        """`include_memory_metadata` tells a memory's own ids, and None for those it was not given.

        If this fails, check that every id is stored as given and that none is filled in.
        """
        taken, other = self.ids_of(store), self.second_id(store)
        scopes = [{name: self.new_id(name) for name in names} for names in (("user_id", other), taken[-1:])]
        for scope in scopes:
            self.add(store, f"of {' and '.join(scope)}", **scope)
        for scope in scopes:
            found = [{name: own.get(name, "missing") for name in IDS} for own in self.own_fields(store, **scope)]
            expect.equal(found, [dict.fromkeys(IDS) | scope], "ids of the memory found")

    # Exactness.

    def test_ids_are_exact(self, store: Any) -> None:
        """Ids are equal when they are the same letters: memories under look-alikes stay apart in a search.

        If this fails, check case folding, Unicode normalisation, wildcards, dates, numbers, cut strings, pasted SQL.
        """
        shared = self._add_lookalikes(store)
        for user in LOOKALIKES:
            expect.equal(self.texts(store, user_id=user, **shared), [user], f"memories of the user {user!r}")

    def test_filters_compare_ids_exactly(self, store: Any) -> None:
        """A filter that names an id compares letters too, so that no look-alike's memories are found.

        If this fails, check that ids in filters are compared as plain strings, not as dates, numbers or patterns.
        """
        [(name, value)] = self._add_lookalikes(store).items()
        for user in LOOKALIKES:
            filters = serialize((field(name) == value) & (field("user_id") == user))
            expect.equal(self.texts(store, filters=filters), [user], f"memories with user_id == {user!r}")

    def test_deleting_all_takes_ids_exactly(self, store: Any) -> None:
        """`delete_all_memories` of one user leaves the memories of all look-alikes.

        If this fails, check the deletion's own condition: it must be the one of a search, letter by letter.
        """
        shared, left = self._add_lookalikes(store), list(LOOKALIKES)
        while left:
            store.delete_all_memories(user_id=left[0], **shared)
            self.settle()
            gone = left.pop(0)
            expect.same(self.texts(store, **shared), left, f"users that are left after deleting all of {gone!r}")

    # Scope, metadata and filters.

    def test_nested_metadata_sets_no_id(self, store: Any) -> None:
        """Metadata that holds an id's name deeper down, or a name like it, is data: the memory stays where it is.

        If this fails, check that metadata is kept apart from ids, and is not flattened into the same table.
        """
        mine, theirs = self.new_id(), self.new_id()
        meta = {
            "x": {"user_id": theirs},
            "list": [{"user_id": theirs}],
            "userId": theirs,
            "user": theirs,
            "USER_ID": theirs,
        }
        self.add(store, "planted", user_id=mine, metadata=meta)
        expect.equal(self.texts(store, user_id=theirs), [], "memories of the user whom the metadata names")
        named = serialize(field("user_id") == theirs)
        expect.equal(self.texts(store, filters=named), [], "memories that a filter by that user finds")
        expect.equal([message.meta for message in self.search(store, user_id=mine)], [meta], "metadata of the memory")

    def test_ids_beside_filters_are_ignored(self, store: Any) -> None:
        """With filters the ids beside them are ignored: the filter alone says which memories are meant.

        If this fails, check that ids are not ANDed with filters; `memstore.bind` is there for that.
        """
        alice, bob = self.new_id(), self.new_id()
        self.add(store, "of Alice", user_id=alice)
        self.add(store, "of Bob", user_id=bob)
        filters = serialize(field("user_id") == bob)
        expect.equal(self.texts(store, filters=filters, user_id=alice), ["of Bob"], "texts found by the filter")
        expect.equal(
            self.texts(store, filters=filters, user_id=alice, query="of"), ["of Bob"], "texts found by a query"
        )

    def test_filters_name_ids(self, store: Any) -> None:
        """Filters may name ids like any field, by equality, by `in` and by `!=`.

        If this fails, check that `user_id` and so on reach the columns of the ids, not keys of metadata.
        """
        tag, values = self.new_id("tag"), {name: self.new_id(name) for name in self.ids_of(store)}
        for name, value in values.items():
            self.add(store, name, metadata={"tag": tag}, **{name: value})
        for name, value in values.items():
            for filters in (field(name) == value, field(name).is_in([value, self.new_id()])):
                expect.equal(self.texts(store, filters=serialize(filters)), [name], f"texts found by {name}")
            others = serialize((field("tag") == tag) & (field(name) != value))
            expect.same(self.texts(store, filters=others), set(values) - {name}, f"texts found by {name} != its value")

    def test_filters_negate_ids(self, store: Any) -> None:
        """`!=` and `not in` on an id, beside a positive one, leave out what has that id, and nothing that has none.

        If this fails, check that a negated id reaches the engine as such, and takes a missing id for another one.
        """
        run, one, two, shared = self.new_id("run"), self.new_id(), self.new_id(), self.second_id(store)
        owners = {"of one": {"user_id": one}, "of two": {"user_id": two}, "of nobody": {}}
        for text, ids in owners.items():
            self.add(store, text, **{shared: run}, **ids)
        self.add(store, "of another run", user_id=two, **{shared: self.new_id("run")})
        user, wrong = field("user_id"), []
        for negation, expected in (
            (user != one, {"of two", "of nobody"}),
            (~(user == one), {"of two", "of nobody"}),
            (user.not_in([one]), {"of two", "of nobody"}),
            (user.not_in([one, two]), {"of nobody"}),
            (~user.is_in([one, two]), {"of nobody"}),
            (user.not_in([]), set(owners)),
            (user != None, {"of one", "of two"}),  # noqa: E711  # it makes a filter
            ((user != one) & (user != two), {"of nobody"}),
        ):
            filters = serialize((field(shared) == run) & negation)
            try:
                found = self.texts(store, filters=filters)
            except Exception as error:  # noqa: BLE001  # one filter that raises must not hide the others
                wrong.append(f"{negation} raised {type(error).__name__}: {expect.shown(str(error))}")
                continue
            if sorted(map(str, found)) != sorted(expected):
                wrong.append(f"{negation} found {found}, not {sorted(expected)}")
        expect.true(not wrong, "\n  ".join([f"{len(wrong)} wrong:", *wrong]))

    def test_a_user_never_sees_anothers_memories(self, store: Any) -> None:
        """Whatever the query says, a user's search finds only that user's memories.

        If this fails, check for query languages in which a text can widen the search.
        """
        alice, bob = self.new_id(), self.new_id()
        self.add(store, "Alice likes tea", user_id=alice)
        secret = f"the secret of {bob}"
        self.add(store, secret, user_id=bob)
        for query in (
            secret,
            bob,
            f"user_id:{bob}",
            f'tea OR user_id:"{bob}"',
            "*",
            "' OR 1=1 --",
            "secret*",
            "%",
            '"',
        ):
            found = self.texts(store, user_id=alice, query=query, top_k=50)
            expect.true(secret not in found, f"another user's memory was found by the query {query!r}")
            message = store.search_memories_as_single_message(user_id=alice, query=query, top_k=50)
            expect.true(secret not in (message.text or ""), f"another user's memory is in the message for {query!r}")

    def test_others_starve_no_search(self, store: Any) -> None:
        """Nearer memories of other users take no place in a result: `top_k` counts the user's own.

        If this fails, check that the engine filters by ids before it cuts to `top_k`, not after.
        """
        mine, theirs, query = self.new_id(), self.new_id(), "green tea ceremony in Kyoto"
        self.add(store, *[query] * NEARER, user_id=theirs)
        own = [f"tea, note {number}" for number in range(5)]
        self.add(store, *own, user_id=mine)
        expect.same(
            self.texts(store, user_id=mine, query=query, top_k=5), own, "the user's own memories, found by top_k=5"
        )

    def test_what_a_filter_leaves_out_starves_no_search(self, store: Any) -> None:
        """Nearer memories that a filter leaves out take no place in a result: `top_k` counts what matches.

        If this fails, check that the engine filters before it cuts to `top_k`, or is asked for more.
        """
        user, query = self.new_id(), "green tea ceremony in Kyoto"
        self.add(store, *[query] * NEARER, user_id=user, metadata={"topic": "other"})
        own = [f"tea, note {number}" for number in range(5)]
        self.add(store, *own, user_id=user, metadata={"topic": "mine"})
        filters = serialize((field("user_id") == user) & (field("topic") == "mine"))
        expect.same(
            self.texts(store, filters=filters, query=query, top_k=5), own, "memories that match, found by top_k=5"
        )

    def _narrows(self, store: Any, names: Sequence[str], **search: Any) -> None:
        """Memories with every combination of ids, searched for by every combination, right and wrong."""
        values = {name: self.new_id(name) for name in names}
        combinations_ = [some for size in range(1, len(names) + 1) for some in combinations(names, size)]
        new = [some for some in combinations_ if "app_id" in some] if "app_id" in names else combinations_
        for some in combinations_:
            self.add(store, f"note of {' '.join(some)}", **{name: values[name] for name in some})
        for some in new:
            given = {name: values[name] for name in some}
            having = [f"note of {' '.join(other)}" for other in combinations_ if set(some) <= set(other)]
            expect.same(self.texts(store, **given, **search), having, f"texts found with {', '.join(some)}")
            for name in some:
                wrong = given | {name: self.new_id("nobody")}
                expect.equal(
                    self.texts(store, **wrong, **search), [], f"texts found with {', '.join(some)}, but a wrong {name}"
                )

    def _add_lookalikes(self, store: Any) -> dict[str, str]:
        """A memory for each look-alike user, named so; the run, or other id, that they share."""
        shared = {self.second_id(store): self.new_id("run")}
        for user in LOOKALIKES:
            self.add(store, user, user_id=user, **shared)
        return shared
