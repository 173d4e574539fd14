"""Which layer of one model is which of the other.

Automatic names shift when a layer is put in, so layers are matched by what they are: equal ones
in order, then, between those, ones of the same written name or of the same kind.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

from specc.difference.items import Feed, Item

# A layer before and after; None where it was not there, or is not any more.
Pair: TypeAlias = tuple[Item | None, Item | None]


def pairs(old: Sequence[Item], new: Sequence[Item]) -> list[Pair]:
    """Every layer of both, in the order of the new model; removed ones where they stood."""
    found: list[Pair] = []
    for a, b in _aligned([item.token for item in old], [item.token for item in new]):
        if len(a) == len(b) == 1 and old[a[0]].token == new[b[0]].token:
            found.append((old[a[0]], new[b[0]]))
        else:
            found += _within([old[i] for i in a], [new[i] for i in b])
    return _moved(found)


def _within(old: Sequence[Item], new: Sequence[Item]) -> list[Pair]:
    """Pairs in a stretch without equal layers: of one kind and written name, then of one kind."""
    found: list[Pair] = []
    for a, b in _aligned([_named(item) for item in old], [_named(item) for item in new]):
        rest_old, rest_new = [old[i] for i in a], [new[i] for i in b]
        kinds_old, kinds_new = [x.type for x in rest_old], [x.type for x in rest_new]
        for c, d in _aligned(kinds_old, kinds_new):
            if len(c) == len(d) == 1 and kinds_old[c[0]] == kinds_new[d[0]]:
                found.append((rest_old[c[0]], rest_new[d[0]]))
            else:
                found += [(rest_old[i], None) for i in c]
                found += [(None, rest_new[i]) for i in d]
    return found


def _named(item: Item) -> Hashable:
    """Equal for two layers of one kind and written name, and never for two without a name."""
    return (item.written, item.type) if item.written else item


def _aligned(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[range, range]]:
    """Stretches of both sequences in order: single equal elements, and what is between them."""
    found: list[tuple[range, range]] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [(range(a + i, a + i + 1), range(c + i, c + i + 1)) for i in range(b - a)]
        else:
            found.append((range(a, b), range(c, d)))
    return found


def _moved(found: Sequence[Pair]) -> list[Pair]:
    """The pairs, where a removed and an added layer of one kind and written name are one layer."""
    gone = {_named(a): a for a, b in found if a is not None and b is None and a.written}
    back: dict[Hashable, Item] = {}
    result: list[Pair] = []
    for a, b in found:
        key = _named(b) if a is None and b is not None else None
        if key in gone and b is not None:
            back[key] = gone.pop(key)
            result.append((back[key], b))
        else:
            result.append((a, b))
    return [(a, b) for a, b in result if not (b is None and a in back.values())]


class Rewired:
    """Tells whether paired layers read the same, seen past layers that were put in or taken out."""

    def __init__(self, found: Sequence[Pair]) -> None:
        self._new_name = {a.name: b.name for a, b in found if a is not None and b is not None}
        self._removed = {a.name: a for a, b in found if a is not None and b is None}
        self._added = {b.name: b for a, b in found if b is not None and a is None}

    def changed(self, old: Item, new: Item) -> bool:
        """Whether anything else enters."""
        before = [self._renamed(_source(feed, self._removed)) for feed in old.feeds]
        return before != [_source(feed, self._added) for feed in new.feeds]

    def _renamed(self, feed: Feed) -> Feed:
        return self._new_name.get(feed[0], feed[0]), feed[1]


def _source(feed: Feed, skipped: dict[str, Item]) -> Feed:
    """What a feed comes from, past layers in a chain that only one of the models has."""
    while feed[0] in skipped and len(skipped[feed[0]].feeds) == 1:
        feed = skipped[feed[0]].feeds[0]
    return feed
