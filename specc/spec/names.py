"""What names mean inside one list of entries: the whole model's, or a block's when it is inlined.

Names in a block are its own: outside they read `PREFIX/name`, and inside nothing outside is seen
but the block's inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from specc.errors import Place, nearest
from specc.spec.entries import Written
from specc.spec.expressions import Scope
from specc.spec.forms import REFERENCE, several
from specc.spec.model import Reference
from specc.spec.nodes import Fields, Scalar


@dataclass(frozen=True, slots=True)
class Known:
    """What a name stands for.

    Attributes:
        outputs: of an input, or of an inlined block.
        layer: the entry whose layer it is, when it can be called again; its outputs are not
            counted before shapes are known.
    """

    outputs: tuple[Reference, ...]
    layer: str | None = None

    def output(self, index: int) -> Reference | None:
        """One output; None when there is none of that number."""
        if self.layer is not None:
            return Reference(self.outputs[0].name, index)
        return self.outputs[index] if index < len(self.outputs) else None


@dataclass(frozen=True, slots=True)
class Given:
    """What one entry reads: outputs in order or by argument; `implicit` as in `Frame`."""

    refs: tuple[Reference, ...] = ()
    arguments: Mapping[str, Reference] = field(default_factory=dict[str, Reference])
    implicit: bool = False


@dataclass(slots=True)
class Frame:
    """One list of entries while it is read.

    Attributes:
        prefix: what names read outside start with.
        scope: values of arguments.
        last: the output that the next entry reads unless it says otherwise; or why there is none.
        implicit: whether `last` is just what stands above, and no written reference chose it.
        known: what each name means so far.
        reserved: every name that entries write, with the index of the entry and its place.
        blocks: the blocks that are being inlined, outermost first.
    """

    prefix: str
    scope: Scope
    last: Reference | str
    implicit: bool = True
    known: dict[str, Known] = field(default_factory=dict[str, Known])
    reserved: dict[str, tuple[int, Place]] = field(default_factory=dict[str, tuple[int, Place]])
    blocks: tuple[str, ...] = ()
    counts: Counter[str] = field(default_factory=Counter[str])

    def automatic(self, base: str, taken: Container[str], sign: str = "_") -> str:
        """Keras' automatic name: the bare base, then _1, _2, ...; written names are left out."""
        while True:
            number = self.counts[base + sign]
            self.counts[base + sign] += 1
            name = f"{base}{sign}{number}" if number else base
            if name not in self.reserved and name not in self.known and name not in taken:
                return name

    def read(self) -> Given | str:
        """What an entry without `inputs:` reads here; or why there is nothing to read."""
        return self.last if isinstance(self.last, str) else Given((self.last,), {}, self.implicit)

    def missing(self, name: str, index: int, entries: Sequence[Written | None]) -> str:
        """Why the entry at `index` cannot read `name`, which nothing above it is called."""
        if name not in self.reserved:
            inside = ""
            if self.blocks:
                inside = f" inside block {self.blocks[-1]!r}; it sees its inputs and own names only"
            return f"nothing is called {name!r}{inside};{nearest(name, self.known)}"
        later, place = self.reserved[name]
        if circle := self._circle(index, later, entries):
            return f"a cycle: {circle}; an entry cannot read what depends on it"
        where = f" in line {place.line}" if place.line else ""
        return f"{name!r} stands below{where}; move it up, an entry reads only what is above it"

    def _circle(self, index: int, later: int, entries: Sequence[Written | None]) -> str:
        """The names of the circle from `index` over `later` back; empty when there is none."""
        if index >= len(entries):
            return ""
        came: dict[int, int] = {later: index}
        open_ = [later]
        while open_:
            at = open_.pop()
            if at == index:
                return self._names_of(self._way(came, index, later), entries)
            for source in self._read_by(at, entries):
                if source not in came:
                    came[source] = at
                    open_.append(source)
        return ""

    def _way(self, came: Mapping[int, int], index: int, later: int) -> list[int]:
        """The entries of a circle in the order in which data would run."""
        way = [index]
        while way[-1] != later:
            way.append(came[way[-1]])
        return [*way, index]

    def _names_of(self, way: Sequence[int], entries: Sequence[Written | None]) -> str:
        names = {index: name for name, (index, _) in self.reserved.items()}
        words = [names.get(i) or (entry.word if (entry := entries[i]) else f"[{i}]") for i in way]
        return " -> ".join(words)

    def _read_by(self, index: int, entries: Sequence[Written | None]) -> list[int]:
        """Indices of the entries that an entry reads, as far as they are told by written names."""
        entry = entries[index]
        node = entry.beside.get("inputs") if entry else None
        if node is None:
            return [index - 1] if index > 0 else []
        parts = [part for _, part in (node if isinstance(node, Fields) else several(node))]
        found: list[int] = []
        for part in parts:
            match = REFERENCE.fullmatch(str(part.value)) if isinstance(part, Scalar) else None
            if match and match["name"] in self.reserved:
                found.append(self.reserved[match["name"]][0])
        return found
