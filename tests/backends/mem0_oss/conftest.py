"""Stores in a folder of their own."""

import tempfile
from pathlib import Path

import pytest
from backends.mem0_oss.contracts import IN_MEMORY

from memstore_mem0.oss.store import Mem0OSSMemoryStore


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as path:
        yield Path(path)


@pytest.fixture
def store(folder):
    with Mem0OSSMemoryStore(path=folder) as opened:
        yield opened


@pytest.fixture
def dump(folder):
    """Every byte in the folder."""
    return lambda: b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
