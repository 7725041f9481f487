"""Search within a scope: how it grows with the store, and against Haystack's retrieval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

import numpy as np
from haystack.document_stores.in_memory import InMemoryDocumentStore

from benchmarks.data import SCOPE_SIZE, Session, queries, run_of, sessions
from benchmarks.measure import Call, medians, quiet
from benchmarks.peers import HAYSTACK, Batch, fill_haystack, fill_memstore
from benchmarks.plan import Plan
from benchmarks.report import Row, Target, compared, growth
from memstore_in_memory import InMemoryMemoryStore

_GROWTH: Final = 1.5
_FASTER: Final = 1000.0
_TOP_K: Final = 5
_WATCHED: Final = 1_000
"""Memories that lie in the largest store before the foreign ones come."""

KINDS: Final = {
    "user": "a user",
    "agent": "an agent",
    "run": "a run",
    "user_run": "a user's run",
    "user_agent": "a user's agent",
    "user_topic": "a user's topic",
}
"""What a search is narrowed by; the last is a filter on metadata."""


def rows(plan: Plan) -> Iterator[Row]:
    """The stores of three sizes stay for all rows about small scopes, and go before the large scope."""
    yield from _small_scopes(plan)
    yield from _large_scope(plan)


def _small_scopes(plan: Plan) -> Iterator[Row]:
    with quiet():
        small = fill_memstore(_batches(sessions(plan.small, plan.seed)))
        middle = fill_memstore(_batches(sessions(plan.middle, plan.seed)))
        large = fill_memstore(_batches(sessions(_WATCHED, plan.seed, prefix="watched-")))
        watched = _watched(large)
        fill_memstore(_batches(sessions(plan.large, plan.seed)), large)
    yield Row(
        "search.foreign",
        f"results unchanged by {plan.large:,} foreign memories",
        float(_watched(large) == watched),
        "yes",
        target=Target(">=", 1),
    )
    stores = {plan.small: small, plan.middle: middle, plan.large: large}
    for kind in KINDS:
        yield from _growth(kind, stores, plan)
    yield from _against_haystack(middle, plan)


def _growth(kind: str, stores: dict[int, InMemoryMemoryStore], plan: Plan) -> Iterator[Row]:
    """Cold queries, the first of each scope, and then warm ones; the stores take turns at every query."""
    title = f"search {KINDS[kind]}"
    smallest, largest = min(stores), max(stores)
    cold: list[list[Call]] = []
    warm: list[list[Call]] = []
    asked = queries(plan.seed + 1)
    for size, store in stores.items():
        scopes = size // SCOPE_SIZE
        drawn = np.random.default_rng(plan.seed).permutation(scopes)[: plan.scopes].tolist()
        given = [_narrowed(kind, user, user % 5, scopes) for user in drawn]
        cold.append([partial(store.search_memories, query=next(asked), top_k=_TOP_K, **each) for each in given])
        count = plan.scopes * plan.passes
        warm.append(
            [
                partial(store.search_memories, query=query, top_k=_TOP_K, **given[place % len(given)])
                for place, query in enumerate(islice(asked, count))
            ]
        )
    first = dict(zip(stores, medians(cold), strict=True))
    again = dict(zip(stores, medians(warm), strict=True))
    for size in sorted(stores)[1:]:
        target = _GROWTH if size == largest else None
        row = f"search.{kind}.growth.{'large' if size == largest else 'middle'}"
        against = f"memstore at {smallest:,}"
        yield growth(row, f"{title} in {size:,}", again[size], again[smallest], against, at_most=target)
    if kind != "user_topic":  # it shares the index of its user, which is warm
        yield growth(
            f"search.{kind}.cold",
            f"{title} in {largest:,}, first query",
            first[largest],
            first[smallest],
            f"memstore at {smallest:,}, first query",
        )


def _against_haystack(store: InMemoryMemoryStore, plan: Plan) -> Iterator[Row]:
    with quiet():
        peer = fill_haystack(_batches(sessions(plan.middle, plan.seed)))
    scopes = plan.middle // SCOPE_SIZE
    users = [f"user-{number}" for number in np.random.default_rng(plan.seed).permutation(scopes)[: plan.scopes]]
    for name, title, filters in (
        ("user", "search a user", [_is("user_id", user) for user in users]),
        ("user_topic", "search a user's topic", [_and(_is("user_id", user), _is("meta.topic", 3)) for user in users]),
    ):
        mine, theirs = _raced(store, peer, filters, plan)
        yield compared(
            f"search.{name}.haystack", f"{title} in {plan.middle:,}", mine, theirs, HAYSTACK, at_least=_FASTER
        )


def _large_scope(plan: Plan) -> Iterator[Row]:
    with quiet():
        store = fill_memstore(_batches(sessions(plan.middle, plan.seed, one_user=True)))
        peer = fill_haystack(_batches(sessions(plan.middle, plan.seed, one_user=True)))
    title = f"search one user of {plan.middle:,}"
    first = partial(store.search_memories, query=next(queries(plan.seed + 2)), top_k=_TOP_K, user_id="user-0")
    cold = medians([[first]])[0]
    mine, theirs = _raced(store, peer, [_is("user_id", "user-0")], plan)
    yield compared("search.one_user.haystack", title, mine, theirs, HAYSTACK)
    yield compared("search.one_user.cold", f"{title}, first query", cold, theirs, HAYSTACK)


def _raced(
    store: InMemoryMemoryStore, peer: InMemoryDocumentStore, filters: Sequence[dict[str, Any]], plan: Plan
) -> list[float]:
    """The median warm query of both by the same filters; ours are many for each of the peer's."""
    ours: list[Call] = []
    theirs: list[Call] = []
    for place, query in enumerate(islice(queries(plan.seed + 3), plan.scopes)):
        wanted = filters[place % len(filters)]
        ours.append(partial(store.search_memories, query=query, top_k=_TOP_K, filters=wanted))
        if len(theirs) < plan.slow:
            theirs.append(partial(peer.bm25_retrieval, query=query, top_k=_TOP_K, filters=_as_metadata(wanted)))
    for call in ours:
        call()
    return medians([ours, theirs])


def _watched(store: InMemoryMemoryStore) -> list[list[tuple[str, str, float]]]:
    """Results of the watched scopes: ids, texts and scores in order."""
    scopes = _WATCHED // SCOPE_SIZE
    found = []
    for query, number in zip(queries(9), range(scopes), strict=False):
        for kind in KINDS:
            for text in (query, "nothing of this is there"):
                narrowed = _narrowed(kind, number, 0, scopes, "watched-")
                hits = store.search_memories(query=text, top_k=SCOPE_SIZE, include_memory_metadata=True, **narrowed)
                own = [(hit.meta["memory_metadata"], hit.text or "") for hit in hits]
                found.append([(fields["memory_id"], text, fields["score"]) for fields, text in own])
    return found


def _narrowed(kind: str, number: int, visit: int, scopes: int, prefix: str = "") -> dict[str, Any]:
    """The arguments that narrow a search to one scope."""
    user, agent = f"{prefix}user-{number}", f"{prefix}agent-{(number + 7 * visit) % scopes}"
    run = f"{prefix}run-{run_of(number, visit, scopes)}"
    match kind:
        case "user":
            return {"user_id": user}
        case "agent":
            return {"agent_id": agent}
        case "run":
            return {"run_id": run}
        case "user_run":
            return {"user_id": user, "run_id": run}
        case "user_agent":
            return {"user_id": user, "agent_id": agent}
        case _:
            return {"filters": _and(_is("user_id", user), _is("meta.topic", 3))}


def _is(field: str, value: object) -> dict[str, Any]:
    return {"field": field, "operator": "==", "value": value}


def _and(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"operator": "AND", "conditions": list(conditions)}


def _as_metadata(filters: dict[str, Any]) -> dict[str, Any]:
    """The same filter for documents, which keep ids in their metadata."""
    if "conditions" in filters:
        return {**filters, "conditions": [_as_metadata(condition) for condition in filters["conditions"]]}
    return {**filters, "field": f"meta.{filters['field'].removeprefix('meta.')}"}


def _batches(made: Iterable[Session]) -> Iterator[Batch]:
    for session in made:
        yield session.ids(), session.messages()
