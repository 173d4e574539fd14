"""Finds the comments of a YAML text and what each belongs to.

A comment behind something belongs to it; one on its own line to what follows, or, when it is
indented further than that, to what it stands below. Blank lines go with what follows.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from specc.spec.document import Document
from specc.spec.emit import Comments
from specc.spec.nodes import Fields, Items, Node

# U+2028 and the like count as white space, as they do for ruamel.
COMMENT = re.compile(r"(?:^|(?<=\s))#")


@dataclass(frozen=True, slots=True)
class _Anchor:
    """Something a comment can belong to: a pair, by its key, or an item of a list."""

    line: int
    column: int
    end: int
    id: int


@dataclass(frozen=True, slots=True)
class _Line:
    """A comment, or a blank line (no text)."""

    number: int
    column: int
    text: str
    alone: bool


def collect(text: str, document: Document) -> Comments:
    """The comments of a document, by what they belong to."""
    anchors = list(_anchors(document.root)) if document.root is not None else []
    anchors.sort(key=lambda anchor: (anchor.line, anchor.column))
    comments = Comments()
    waiting: list[_Line] = []
    above = 0
    for line in _lines(text, document.scalars):
        while above < len(anchors) and anchors[above].line <= line.number:
            if waiting:
                _settle(waiting, anchors, above, comments)
                waiting = []
            above += 1
        if line.alone:
            waiting.append(line)
        elif above:
            _behind(line, anchors, above, comments)
        else:
            waiting.append(line)
    while waiting and not waiting[-1].text:
        waiting.pop()
    if waiting:
        _settle(waiting, anchors, above, comments)
    return comments


def _anchors(node: Node) -> Iterator[_Anchor]:
    if isinstance(node, Fields):
        for key, value in node:
            end = max(key.place.line, value.end)
            yield _Anchor(key.place.line, key.place.column, end, id(key))
            yield from _anchors(value)
    elif isinstance(node, Items):
        for item in node.items:
            place = item.place if node.flow else node.place
            yield _Anchor(item.place.line, place.column, item.end, id(item))
            yield from _anchors(item)


def _lines(text: str, scalars: Sequence[tuple[int, int]]) -> Iterator[_Line]:
    """Comments and blank lines in order; a # inside a scalar is none."""
    starts = [start for start, _ in scalars]

    def inside(index: int) -> bool:
        at = bisect.bisect_right(starts, index) - 1
        if at < 0 or index >= scalars[at][1]:
            return False
        start, end = scalars[at]
        block = text[start] in "|>" or (text[start] in "&!" and "\n" in text[start:end])
        header = text.find("\n", start, end)
        return not (block and header > index)

    index = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            if not inside(index):
                yield _Line(number, 0, "", alone=True)
        else:
            for match in COMMENT.finditer(line):
                if not inside(index + match.start()):
                    alone = not line[: match.start()].strip()
                    found = line[match.start() :].rstrip()
                    yield _Line(number, match.start() + 1, found, alone=alone)
                    break
        index += len(line) + 1


def _behind(line: _Line, anchors: Sequence[_Anchor], above: int, comments: Comments) -> None:
    """Give a comment behind something to the outermost part that ends in its line."""
    first = above
    while first and anchors[first - 1].line == line.number:
        first -= 1
    started = anchors[first:above]
    whole = [anchor for anchor in started if anchor.end == line.number]
    owner = (whole[:1] or started[-1:] or [anchors[above - 1]])[0]
    if owner.id in comments.after:
        comments.below.setdefault(owner.id, []).append(line.text)
    else:
        comments.after[owner.id] = (line.column, line.text)


def _settle(
    waiting: list[_Line], anchors: Sequence[_Anchor], above: int, comments: Comments
) -> None:
    """Give the lines between two anchors to the one below, or to one above when further in."""
    below = anchors[above] if above < len(anchors) else None
    if above == 0 and below is not None:
        comments.head.extend(_single_blanks([line.text for line in waiting], start=True))
        return
    deeper = 0
    while deeper < len(waiting) and _belongs_above(waiting[deeper], below):
        deeper += 1
    while deeper and not waiting[deeper - 1].text:
        deeper -= 1
    for line in waiting[:deeper]:
        column = line.column or 1
        places = range(above - 1, -1, -1)
        owner = next((anchors[i] for i in places if anchors[i].column <= column), None)
        if owner is not None:
            comments.below.setdefault(owner.id, []).append(line.text)
    rest = _single_blanks([line.text for line in waiting[deeper:]], start=False)
    if below is not None and rest:
        comments.before.setdefault(below.id, []).extend(rest)


def _belongs_above(line: _Line, below: _Anchor | None) -> bool:
    return below is None or not line.text or line.column > below.column


def _single_blanks(lines: Sequence[str], *, start: bool) -> list[str]:
    """No two blank lines in a row, and none at the start of a file."""
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]) or (not kept and not start):
            kept.append(line)
    return kept
