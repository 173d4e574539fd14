"""A text of any size, piece by piece, cut where every kind of token ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from specc.data.encoding import undecoded

# Characters of a piece. Words or byte pairs take some 100 bytes each while it is cut into them.
PIECE = 2**21
# Between a character and a space before another, where no line ends for long.
GAP = re.compile(r"(?s).*\S(?= \S)")


@dataclass(frozen=True, slots=True)
class Pieces:
    """The text of a UTF-8 file, read again every time it is iterated.

    Pieces end with a line, so that the tokens of the pieces are those of the text: a line's end is
    a token or ends one. Without lines they end before a space, or anywhere when there is none.

    Raises:
        DataError: on iteration, when it is not UTF-8.
    """

    path: Path
    lowercase: bool

    def __iter__(self) -> Iterator[str]:
        rest = ""
        try:
            with self.path.open(encoding="utf-8-sig") as file:
                while read := file.read(PIECE):
                    text = rest + read
                    end = text.rfind("\n") + 1
                    if not end:
                        found = GAP.match(text)
                        end = found.end() if found else len(text)
                    rest = text[end:]
                    yield self._cased(text[:end])
        except UnicodeDecodeError as error:
            raise undecoded(self.path, error) from error
        if rest:
            yield self._cased(rest)

    def _cased(self, text: str) -> str:
        return text.lower() if self.lowercase else text
