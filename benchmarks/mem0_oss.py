"""Mem0's library with its embedded vector store: adding, and search in a scope, against `mem0.Memory` itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from benchmarks.data import SCOPE_SIZE, queries, texts
from benchmarks.measure import Call, medians, quiet
from benchmarks.mem0_clients import as_sent, said
from benchmarks.mem0_setup import load_mem0
from benchmarks.plan import Plan
from benchmarks.report import Row, compared, growth
from memstore_mem0 import Mem0OSSMemoryStore
from memstore_mem0.oss.embedder import DIMENSIONS, OfflineEmbedder

_TOP_K: Final = 5
_NO_SLOWER: Final = 1.0
_UNUSED: Final = {"provider": "lmstudio", "config": {}}
"""A language model and an embedder for `mem0.Memory` to make; neither is asked for anything."""
_USER: Final = "user-0"


def rows(plan: Plan) -> Iterator[Row]:
    """The files of both lie in folders side by side."""
    with TemporaryDirectory(prefix="memstore-benchmarks-") as folder:
        yield from _adding(Path(folder), plan)
    with TemporaryDirectory(prefix="memstore-benchmarks-") as folder:
        yield from _searching(Path(folder), plan)


def _adding(folder: Path, plan: Plan) -> Iterator[Row]:
    """Word for word, by one call and by one call for each; the time for a message. All stores grow alike."""
    written = texts(plan.seed)
    # The first batch loads what loads late.
    given = [list(islice(written, plan.batch)) for _ in range(plan.batches + 1)]
    with ExitStack() as opened:
        ours = opened.enter_context(Mem0OSSMemoryStore(path=folder / "ours"))
        ours_alone = opened.enter_context(Mem0OSSMemoryStore(path=folder / "ours-alone"))
        looped = opened.enter_context(_plain(folder / "looped"))
        listed = opened.enter_context(_plain(folder / "listed"))
        first, *rest = zip(
            _each(given, lambda batch: ours.add_memories(messages=said(batch), user_id=_USER, infer=False)),
            _each(given, partial(_add_in_turn, partial(_add_one, ours_alone))),
            _each(given, partial(_add_in_turn, partial(looped.add, user_id=_USER, infer=False))),
            _each(given, lambda batch: listed.add(as_sent(batch), user_id=_USER, infer=False)),
            strict=True,
        )
        for call in first:
            call()
        batch, alone, loop, at_once = (taken / plan.batch for taken in medians(list(zip(*rest, strict=True))))
    title, name = f"embedded Mem0: add {plan.batch} messages, each", "mem0.oss.add"
    yield compared(f"{name}.loop", title, batch, loop, "Memory.add in a loop", at_least=_NO_SLOWER)
    yield compared(f"{name}.list", title, batch, at_once, "Memory.add of all", at_least=_NO_SLOWER)
    yield compared(f"{name}.alone", "embedded Mem0: add a message alone", alone, loop, "Memory.add in a loop")


def _searching(folder: Path, plan: Plan) -> Iterator[Row]:
    """A user's hundred memories, without a threshold, in stores of different sizes that take turns."""
    contenders: list[list[Call]] = []
    with ExitStack() as opened:
        for size in plan.embedded:
            ours, plain = _filled(folder / str(size), size, plan.seed, opened)
            users = np.random.default_rng(plan.seed).integers(0, size // SCOPE_SIZE, plan.patient)
            asked = list(
                zip(islice(queries(plan.seed + 1), plan.patient), (f"user-{user}" for user in users), strict=True)
            )
            contenders += [
                [partial(_found, ours, query, user) for query, user in asked],
                [partial(_found_by_mem0, plain, query, user) for query, user in asked],
            ]
            if contenders[-2][0]() != contenders[-1][0]():
                raise AssertionError("the searches differ")
        taken = medians(contenders)
    smallest = plan.embedded[0]
    for place, size in enumerate(plan.embedded):
        mine, theirs = taken[2 * place : 2 * place + 2]
        title = f"embedded Mem0: search a user in {size:,}"
        yield compared(f"mem0.oss.search.{size}", title, mine, theirs, "Memory.search")
        if size != smallest:
            name, against = f"mem0.oss.search.{size}.growth", f"memstore at {smallest:,}"
            yield growth(name, title, mine, taken[0], against)


def _filled(folder: Path, size: int, seed: int, opened: ExitStack) -> tuple[Mem0OSSMemoryStore, Any]:
    """Our store and `mem0.Memory` on copies of the same files, which our store has filled."""
    ours, theirs = folder / "ours", folder / "theirs"
    with quiet(), Mem0OSSMemoryStore(path=ours) as store:
        written = texts(seed)
        for user in range(size // SCOPE_SIZE):
            messages = said(list(islice(written, SCOPE_SIZE)))
            store.add_memories(messages=messages, user_id=f"user-{user}", infer=False)
    shutil.copytree(ours, theirs)
    store = opened.enter_context(Mem0OSSMemoryStore(path=ours))
    store.warm_up()
    return store, opened.enter_context(_plain(theirs))


@contextmanager
def _plain(folder: Path) -> Iterator[Any]:
    """`mem0.Memory` as our store configures it, with the same embedder."""
    folder.mkdir(exist_ok=True)
    settings = {"path": str(folder / "qdrant"), "embedding_model_dims": DIMENSIONS}
    memory = load_mem0().Memory.from_config(
        {
            "vector_store": {"provider": "qdrant", "config": settings},
            "history_db_path": str(folder / "history.db"),
            "llm": _UNUSED,
            "embedder": _UNUSED,
        }
    )
    memory.embedding_model = OfflineEmbedder()
    try:
        yield memory
    finally:
        memory.close()
        memory.vector_store.client.close()


def _each(given: list[list[str]], add: Callable[[list[str]], object]) -> list[Call]:
    return [partial(add, batch) for batch in given]


def _add_in_turn(add: Callable[[str], object], batch: list[str]) -> None:
    for text in batch:
        add(text)


def _add_one(store: Mem0OSSMemoryStore, text: str) -> None:
    store.add_memories(messages=said([text]), user_id=_USER, infer=False)


def _found(store: Mem0OSSMemoryStore, query: str, user: str) -> list[str | None]:
    return [message.text for message in store.search_memories(query=query, user_id=user, top_k=_TOP_K)]


def _found_by_mem0(memory: Any, query: str, user: str) -> list[str]:
    found = memory.search(query, filters={"user_id": user}, top_k=_TOP_K, threshold=0.0)
    return [result["memory"] for result in found["results"]]
