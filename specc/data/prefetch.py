"""An iterator that runs ahead in its own thread."""

from __future__ import annotations

import queue
import threading
from collections import deque
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
    """Items of `produce()`, made in another thread before they are asked for.

    An exception in the thread is raised where its item would have come. Leaving the `with` block,
    `close` or the end of the items ends the thread; nothing ever polls.
    """

    def __init__(self, produce: Callable[[], Iterator[T]], ahead: int, together: int = 1) -> None:
        """Start the thread, which hands over up to `together` items at once.

        Handing over takes some 25 us, in which both threads wait for each other; a batch of a few
        samples takes less to make.

        Args:
            produce: makes the items.
            ahead: items that wait to be handed over, at most; up to `together` more are in the
                hands of the thread, and fewer than `together` in those of the caller.
            together: items that are handed over at once, at most.
        """
        self._items: queue.Queue[list[T] | _End] = queue.Queue(max(1, ahead // together))
        self._here: deque[T] = deque()
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=_fill,
            args=(produce, together, self._items, self._closed),
            daemon=True,
            name="prefetch",
        )
        self._thread.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        if self._closed.is_set():
            raise StopIteration
        if self._here:
            return self._here.popleft()
        found = self._items.get()
        if not isinstance(found, _End):
            self._here.extend(found)
            return self._here.popleft()
        self.close()
        if found.error is not None:
            raise found.error
        raise StopIteration

    @property
    def behind(self) -> bool:
        """Whether the next item has still to be made."""
        return not self._here and self._items.empty()

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
    produce: Callable[[], Iterator[T]],
    together: int,
    items: queue.Queue[list[T] | _End],
    closed: threading.Event,
) -> None:
    """Thread body. It holds no `Prefetch`, so that an abandoned one can be collected.

    The first item goes alone, for somebody waits for it; each time twice as many go together.
    """
    made: list[T] = []
    wanted, end = 1, _End()
    try:
        for item in produce():
            made.append(item)
            if len(made) == wanted:
                items.put(made)
                made, wanted = [], min(2 * wanted, together)
            if closed.is_set():
                return
    except BaseException as error:  # noqa: BLE001 - the caller raises it
        end = _End(error)
    if made:
        items.put(made)
    # Who closes makes one place free, and does not look again.
    if not closed.is_set():
        items.put(end)
