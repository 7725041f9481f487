"""An embedder that works on this machine alone: WordLlama, whose weights come with its package."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from memstore.errors import MissingDependencyError

DIMENSIONS: Final = 256
_LONG: Final = 2000
"""Characters from which on a text is embedded alone: in a batch, every text takes the room of the longest."""

_loading = threading.Lock()


class OfflineEmbedder:
    """Stands where `mem0.Memory` has its embedder. Needs no network and no key; equal texts, equal vectors."""

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        """The vector of a text, of length one."""
        return self.embed_batch([text])[0]

    def embed_batch(self, texts: Sequence[str], memory_action: str | None = "add") -> list[list[float]]:
        """The vectors of some texts.

        Raises:
            MissingDependencyError: wordllama is not installed; the message is the pip command.
        """
        if not texts:
            return []
        size = 1 if any(len(text) > _LONG for text in texts) else 64
        with np.errstate(invalid="ignore"):  # a text without tokens is divided by none
            vectors = np.nan_to_num(_model().embed(list(texts), batch_size=size))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[lengths[:, 0] == 0, 0] = 1.0  # it gets a direction all the same: engines divide by the length
        lengths[lengths == 0] = 1.0
        normed: list[list[float]] = (vectors / lengths).tolist()
        return normed


def _model() -> Any:
    with _loading:
        return _loaded()


@cache
def _loaded() -> Any:
    root, nothing = logging.getLogger(), logging.NullHandler()
    root.addHandler(nothing)  # importing wordllama calls `logging.basicConfig`, which does nothing where one is
    try:
        package = import_module("wordllama")
    except ModuleNotFoundError as error:
        if error.name != "wordllama":
            raise
        raise MissingDependencyError(
            "the offline embedder needs the module 'wordllama': pip install \"memstore[mem0]\"", name="wordllama"
        ) from error
    finally:
        root.removeHandler(nothing)
    assert package.__file__  # noqa: S101  # it is a package of files
    return package.WordLlama.load(dim=DIMENSIONS, cache_dir=Path(package.__file__).parent, disable_download=True)
