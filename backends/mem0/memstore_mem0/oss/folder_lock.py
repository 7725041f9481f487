"""One store at a time in a folder: embedded engines lose writes when two share their files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from memstore.errors import MemoryStoreError

_NAME = ".memstore.lock"


class FolderLock:
    """A lock of the operating system's, which ends with the process that holds it, however that ends."""

    def __init__(self, folder: Path) -> None:
        """Nothing is locked yet."""
        self._folder = folder
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the folder.

        Raises:
            MemoryStoreError: another store, of this process or another, has it, or it is no folder.
        """
        portalocker: Any = import_module("portalocker")
        make_folder(self._folder)
        try:
            file = (self._folder / _NAME).open("a", encoding="utf-8")
        except OSError as error:
            raise _unusable(self._folder, error) from error
        try:
            portalocker.lock(file, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
        except portalocker.exceptions.LockException:
            file.close()
            raise folder_in_use(self._folder) from None
        self._file = file

    def release(self) -> None:
        """Give the folder back; safe to repeat."""
        if self._file is not None:
            import_module("portalocker").unlock(self._file)  # a forked child may hold the file open
            self.abandon()

    def abandon(self) -> None:
        """Let go of it in a forked child: it stays the parent's, and ends with the parent."""
        if self._file is not None:
            self._file.close()
            self._file = None


def folder_in_use(folder: Path | str) -> MemoryStoreError:
    """What is raised where somebody else has the folder."""
    return MemoryStoreError(
        f"the folder {folder} is in use by another store or process. Share one Mem0OSSMemoryStore between threads, "
        "close the other one, or give each vector store a folder of its own: by the store's path or, where the "
        "configuration names it, config['vector_store']['config']['path']. For several processes, configure a vector "
        "store that is a server"
    )


def make_folder(folder: Path) -> None:
    """Make sure that it is there.

    Raises:
        MemoryStoreError: it cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, error) from error


def check_writable(files: Iterable[Path]) -> None:
    """Make sure that the files that are there can be written. They are not opened: that would undo SQLite's locks.

    Raises:
        MemoryStoreError: one cannot be.
    """
    for file in files:
        if file.exists() and not os.access(file, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
            raise MemoryStoreError(f"the file {file} cannot be written: this user has no permission to")


def _unusable(folder: Path, error: OSError) -> MemoryStoreError:
    return MemoryStoreError(f"the folder {folder} cannot be used: {error.strerror or type(error).__name__}")
