"""``with`` and ``async with``, for what has `close` and `close_async`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """Closes itself at the end of a block."""

    @abstractmethod
    def close(self) -> None:
        """Release what is held; safe to repeat."""

    @abstractmethod
    async def close_async(self) -> None:
        """See `close`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close_async()
