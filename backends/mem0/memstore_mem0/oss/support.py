"""What each of Mem0's vector stores can be trusted with, as data.

tests/backends/mem0_oss/test_support.py holds the ones that run on one machine to every cell of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from memstore.filters import Comparison, FilterSupport, In, Leaf, Operator
from memstore.filters.instants import parse_instant
from memstore.memory import SCOPE_FIELDS
from memstore_mem0.oss.payload import is_native

_MEM0_IDS: Final = frozenset(SCOPE_FIELDS) - {"app_id"}


def _is_by_id(leaf: Leaf) -> bool:
    """Rows are read by their ids, whatever the vector store filters."""
    return leaf.field.path == ("id",) and (isinstance(leaf, In) or leaf.operator is Operator.EQ)


def finds_ids(leaf: Leaf) -> bool:
    """Equality of the three ids that Mem0 itself scopes by. ``*`` is its wildcard, and no value."""
    match leaf:
        case Comparison(field, Operator.EQ, str(value)):
            return field.path[0] in _MEM0_IDS and value != "*"
    return False


def finds_strings(leaf: Leaf) -> bool:
    """Equality of the ids, and of metadata that is a string, but no time: times compare as instants."""
    match leaf:
        case Comparison(field, Operator.EQ, str(value)) if value != "*":
            if field.path in {("app_id",), *((name,) for name in _MEM0_IDS)}:
                return True
            return len(field.path) == 2 and is_native(field.path[1]) and parse_instant(value) is None
    return False


@dataclass(frozen=True, slots=True)
class Engine:
    """What is known of a vector store.

    Attributes:
        finds: comparisons that it may be given. It must return every row that matches; what it returns
            beside them is dropped here, since every row is looked at again.
        ranks_within_filter: whether `search` filters before it takes the best, and not after.
        may_miss: whether `search` may find fewer rows than it is asked for although more match, as an
            approximate index does.
        embedded: whether a configuration keeps its files in a folder, for one process.
        takes_dimensions: whether its configuration has ``embedding_model_dims``.
        lists: how many rows `list` is asked for, and surely returns; None where there is no limit.
        erases: whether what it deletes is gone from its files.
        reads_its_writes: whether a row that was written is found at once.
        has_collection: whether it has a collection of this name; where that cannot be told, True.
        dimensions: how many numbers the vectors of its collection have; None where that cannot be told.
        known: what it does otherwise than memstore's filters say, each with where that shows in mem0ai
            2.2.1 or its client. None of it is relied on.
    """

    finds: Callable[[Leaf], bool] = finds_ids
    ranks_within_filter: bool = False
    may_miss: bool = False
    embedded: Callable[[Mapping[str, Any]], bool] = lambda config: False
    takes_dimensions: bool = True
    lists: int | None = 10_000
    erases: bool = False
    reads_its_writes: bool = False
    has_collection: Callable[[Any, str], bool] = lambda vector_store, name: True
    dimensions: Callable[[Any], int | None] = lambda vector_store: None
    known: tuple[str, ...] = ()
    pushed: FilterSupport = field(init=False)
    filters: FilterSupport = field(init=False)

    def __post_init__(self) -> None:
        """`pushed` is what the vector store gets; `filters` is what the store as a whole evaluates."""
        object.__setattr__(self, "pushed", FilterSupport(self.finds, either=False, negation=False))
        whole = FilterSupport(lambda leaf: _is_by_id(leaf) or self.finds(leaf), either=False, negation=False)
        object.__setattr__(self, "filters", whole)


def _qdrant_is_embedded(config: Mapping[str, Any]) -> bool:
    remote = config.get("url") or config.get("api_key") or (config.get("host") and config.get("port"))
    return not (remote or config.get("client") or config.get("https") is not None)


def _qdrants_dimensions(vector_store: Any) -> int | None:
    vectors = vector_store.client.get_collection(vector_store.collection_name).config.params.vectors
    size = getattr(vectors, "size", None)  # Mem0's vectors have no names
    return size if isinstance(size, int) else None


def _chroma_is_embedded(config: Mapping[str, Any]) -> bool:
    remote = (config.get("host") and config.get("port")) or (config.get("api_key") and config.get("tenant"))
    return not (remote or config.get("client"))


ENGINES: Final[Mapping[str, Engine]] = {
    "qdrant": Engine(
        finds=finds_strings,
        ranks_within_filter=True,
        embedded=_qdrant_is_embedded,
        lists=None,
        erases=True,
        reads_its_writes=True,
        has_collection=lambda vector_store, name: vector_store.client.collection_exists(name),
        dimensions=_qdrants_dimensions,
        known=(
            "equality matches a list by any of its elements (qdrant_client/local/payload_filters.py, check_condition)",
            "`ne` and `nin` miss rows that lack the field (mem0/vector_stores/qdrant.py, MatchExcept)",
            "equality with null raises, and so does `ne` with a list (mem0/vector_stores/qdrant.py, MatchValue)",
            "a range beside another operator on one field raises (mem0/vector_stores/qdrant.py)",
            "`*` is no condition at all (mem0/vector_stores/qdrant.py, _build_field_condition)",
            "`AND` of conditions on one field keeps the last (mem0/memory/main.py, _process_metadata_filters)",
            "`AND` of two `OR`s returns too much (mem0/memory/main.py, _process_metadata_filters)",
        ),
    ),
    "chroma": Engine(
        finds=finds_strings,
        ranks_within_filter=True,
        may_miss=True,
        embedded=_chroma_is_embedded,
        takes_dimensions=False,
        lists=None,
        reads_its_writes=True,
        has_collection=lambda vector_store, name: name in [found.name for found in vector_store.list_cols()],
        dimensions=lambda vector_store: vector_store.collection.get_model()["dimension"],
        known=(
            "metadata with null or with an object in it is refused (chromadb/api/types.py, validate_metadata)",
            "`AND`, `OR` and `NOT` are taken for fields (mem0/vector_stores/chroma.py, _generate_where_clause)",
            "`contains` is equality (mem0/vector_stores/chroma.py, _generate_where_clause)",
            "`*` is no condition at all (mem0/vector_stores/chroma.py, convert_condition)",
            "an update keeps the keys that the new metadata lacks (chromadb, Collection.update)",
            "its hnsw index is approximate: now and then a small scope is not found whole (seen, 1 run in 3)",
        ),
    ),
    "faiss": Engine(
        finds=finds_strings,
        embedded=lambda config: True,
        lists=None,
        erases=True,
        reads_its_writes=True,
        has_collection=lambda vector_store, name: Path(vector_store.path or "", f"{name}.faiss").exists(),
        dimensions=lambda vector_store: getattr(vector_store.index, "d", None),
        known=(
            "a search filters after it took the nearest 2 * top_k rows (mem0/vector_stores/faiss.py, search)",
            "every operator but equality finds nothing (mem0/vector_stores/faiss.py, _apply_filters)",
            "failing to write its files is a warning in the log (mem0/vector_stores/faiss.py, _save)",
        ),
    ),
    "pgvector": Engine(
        finds=finds_strings,
        ranks_within_filter=True,
        may_miss=True,
        lists=None,
        reads_its_writes=True,
        has_collection=lambda vector_store, name: name in vector_store.list_cols(),
        known=(
            "values compare as text: 5 equals '5' (mem0/vector_stores/pgvector.py, _build_filter_conditions)",
            "a range over a row whose value is no number raises (mem0/vector_stores/pgvector.py, OPERATOR_SQL_MAP)",
            "`ne` misses rows that lack the field (mem0/vector_stores/pgvector.py, OPERATOR_SQL_MAP)",
            "`*` asks whether the key exists (mem0/vector_stores/pgvector.py, _build_filter_conditions)",
            "an hnsw index is approximate, and filters after it has searched (pgvector's own documentation)",
        ),
    ),
    "opensearch": Engine(known=("operators are dropped (mem0/vector_stores/opensearch.py)",)),
}

UNKNOWN: Final = Engine()
"""Any other: it gets the ids that Mem0 itself relies on, and no more rows are asked for than all list at once."""


def engine_of(provider: str) -> Engine:
    """What is known of the vector store of this name."""
    return ENGINES.get(provider, UNKNOWN)
