"""An iterator that runs ahead in its own thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _End:
    """What stands behind the last item: nothing, or the exception that ended the thread."""

    error: BaseException | None = None


class Prefetch(Generic[T]):
    """Items of `produce()`, made in another thread up to `ahead` items before they are asked for.

    An exception in the thread is raised where its item would have come. Leaving the `with` block,
    `close` or the end of the items ends the thread; nothing ever polls.
    """

    def __init__(self, produce: Callable[[], Iterator[T]], ahead: int) -> None:
        self._items: queue.Queue[T | _End] = queue.Queue(ahead)
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=_fill, args=(produce, self._items, self._closed), daemon=True, name="prefetch"
        )
        self._thread.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        if self._closed.is_set():
            raise StopIteration
        item = self._items.get()
        if not isinstance(item, _End):
            return item
        self.close()
        if item.error is not None:
            raise item.error
        raise StopIteration

    @property
    def behind(self) -> bool:
        """Whether the next item has still to be made."""
        return self._items.empty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the thread and wait for it. The item it is making is dropped."""
        self._release()
        self._thread.join()

    def __del__(self) -> None:
        self._release()

    def _release(self) -> None:
        """Let the thread end: it looks at the flag after each put, so one free place is enough."""
        self._closed.set()
        while not self._items.empty():
            self._items.get_nowait()


def _fill(
    produce: Callable[[], Iterator[T]], items: queue.Queue[T | _End], closed: threading.Event
) -> None:
    """Thread body. It holds no `Prefetch`, so that an abandoned one can be collected."""
    try:
        for item in produce():
            items.put(item)
            if closed.is_set():
                return
    except BaseException as error:  # noqa: BLE001 - the caller raises it
        items.put(_End(error))
    else:
        items.put(_End())
