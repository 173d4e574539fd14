"""`Problems`: collects everything that is wrong with a file, so that one run reports it all."""

from __future__ import annotations

from specc.errors import Place, Problem, SpecError

# More than this helps nobody, and a hostile file must not take for ever.
MOST = 200
LONGEST_MESSAGE = 2000
LONGEST_PATH = 500


class Problems:
    """What was found wrong so far. The same message at the same place counts once."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self._seen: set[tuple[Place, str]] = set()

    def __len__(self) -> int:
        return len(self._seen)

    def add(self, place: Place, path: str, message: str) -> None:
        """Note one problem.

        Raises:
            SpecError: there are too many; it has them all.
        """
        message, path = _cut(message, LONGEST_MESSAGE), _cut(path, LONGEST_PATH)
        # Without a line the path alone tells two entries apart.
        seen = (place, message if place.line else f"{path}: {message}")
        if seen in self._seen:
            return
        self._seen.add(seen)
        self.found.append(Problem(place, path, message))
        if len(self.found) >= MOST:
            raise SpecError(self.found)

    def check(self) -> None:
        """Stop here when anything is wrong.

        Raises:
            SpecError: with every problem found so far.
        """
        if self.found:
            raise SpecError(self.found)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."
