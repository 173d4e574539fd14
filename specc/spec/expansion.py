"""From the entries of a model to a flat list: blocks inlined, repeats unrolled, names resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from specc.errors import Problem, SpecError, nearest
from specc.family import snake_case
from specc.layer import Layer
from specc.spec import forms
from specc.spec.blocks import BESIDE, COUNTER, Block, filled
from specc.spec.checking import member as layer_of
from specc.spec.entries import Written, written
from specc.spec.expressions import has_expression
from specc.spec.model import Entry, InputSpec, Reference
from specc.spec.names import Frame, Given, Known
from specc.spec.nodes import Fields, Node, Scalar, kind_of, plain
from specc.spec.problems import Problems

MOST_LAYERS = 100_000
MOST_NESTED = 40
"""Blocks inside blocks."""


class Expander:
    """Reads the entries of one model. Made for one use.

    Attributes:
        entries: the flat entries, each with its inputs resolved to names of the whole model.
        known: what every full name means, `PREFIX/name` of inlined blocks included.
    """

    def __init__(
        self,
        inputs: Sequence[InputSpec],
        blocks: Mapping[str, Block],
        models: Mapping[str, object],
        problems: Problems,
    ) -> None:
        self.entries: list[Entry] = []
        self.known: dict[str, Known] = {}
        self._inputs = inputs
        self._blocks = blocks
        self._models = models
        self._problems = problems
        self._layers: dict[int, Layer | None] = {}
        self._broken: set[int] = set()
        self._steps = 0

    def expand(self, nodes: Sequence[Node], path: str) -> Frame:
        """Fill `entries` from the top list; returns its frame, in which `outputs:` are resolved.

        Raises:
            SpecError: more layers than any model may have.
        """
        names = [item.name for item in self._inputs]
        several = f"the model has {len(names)} inputs; choose with `inputs:` ({', '.join(names)})"
        several = several if names else "there is no input to read"
        frame = Frame("", {}, Reference(names[0]) if len(names) == 1 else several)
        frame.known |= {name: Known((Reference(name),)) for name in names}
        self._list(frame, nodes, path)
        return frame

    def resolve(
        self, node: Node, frame: Frame, path: str, index: int, entries: Sequence[Written | None]
    ) -> Reference | None:
        """The output that a written reference means in the entry at `index`; None when wrong."""
        written = forms.reference(node, path, self._problems)
        if written is None:
            return None
        known = frame.known.get(written.name) or self.known.get(frame.prefix + written.name)
        if known is None:
            message = frame.missing(written.name, index, entries)
        elif found := known.output(written.output):
            return found
        else:
            count = len(known.outputs)
            outputs = f"{count} output" + "s" * (count > 1)
            message = f"{written.name}[{written.output}] does not exist: it has {outputs}"
        self._problems.add(node.place, path, message)
        return None

    def _list(self, frame: Frame, nodes: Sequence[Node], path: str) -> None:
        entries = [self._written(node, f"{path}[{i}]") for i, node in enumerate(nodes)]
        for index, entry in enumerate(entries):
            if entry is None:
                self._excuse(nodes[index], frame)
            elif "name" in entry.beside:
                self._reserve(entry, index, frame)
        for index, entry in enumerate(entries):
            if entry is not None:
                self._entry(entry, index, entries, frame)

    def _written(self, node: Node, path: str) -> Written | None:
        """The entry's parts; one that is broken is looked at once, however often it is inlined."""
        if id(node) in self._broken:
            return None
        entry = written(node, path, self._blocks, self._problems)
        if entry is None:
            self._broken.add(id(node))
        return entry

    def _excuse(self, node: Node, frame: Frame) -> None:
        """Know the name of a broken entry, so that what reads it is not reported too."""
        name = node.get("name") if isinstance(node, Fields) else None
        if isinstance(name, Scalar):
            full = f"{frame.prefix}{name.value}"
            frame.known[str(name.value)] = Known((Reference(full),), full)

    def _reserve(self, entry: Written, index: int, frame: Frame) -> None:
        """Note the names that an entry writes; a name that is taken is a problem."""
        node = entry.beside["name"]
        for text in self._written_names(entry, frame):
            in_models = not frame.prefix and text in self._models
            own_model = entry.again and entry.word == text
            if text in frame.reserved:
                by = f"in line {frame.reserved[text][1].line}"
            elif text in frame.known or (in_models and not own_model):
                by = "by an input" if text in frame.known else "by one of models:"
            else:
                frame.reserved[text] = (index, node.place)
                continue
            message = f"the name {text!r} is taken {by}"
            self._problems.add(node.place, f"{entry.path}.name", message)

    def _written_names(self, entry: Written, frame: Frame) -> list[str]:
        """One name; with `repeat`, one for each time, and the bare one for the whole chain."""
        node, path = entry.beside["name"], f"{entry.path}.name"
        times = self._times(entry, frame)
        counted = times is not None and has_expression(str(plain(node)))
        scopes = [{**frame.scope, COUNTER: i} for i in range(times or 0)] if counted else []
        names: list[str] = []
        for scope in scopes or [frame.scope]:
            name = forms.name(filled(node, scope, path, self._problems), path, self._problems)
            if name is None:
                return names
            names.append(name)
        if times is not None and not counted:
            names += [f"{names[0]}_{i}" for i in range(times)]
        return names

    def _times(self, entry: Written, frame: Frame) -> int | None:
        """How often the entry is repeated; None when `repeat` is not written, or is wrong."""
        if "repeat" not in entry.beside or entry.again:
            return None
        path = f"{entry.path}.repeat"
        node = filled(entry.beside["repeat"], frame.scope, path, self._problems)
        return forms.count(node, 0, MOST_LAYERS, path, self._problems)

    def _entry(
        self, entry: Written, index: int, entries: Sequence[Written | None], frame: Frame
    ) -> None:
        """Add one entry, as often as it is repeated, each time reading the one before."""
        times = self._times(entry, frame)
        given = self._given(entry, index, entries, frame)
        if times is None:
            self._once(entry, frame, given, 0)
            return
        if len(given.refs) + len(given.arguments) > 1:
            message = "a repeated entry reads the one before it; it cannot have several inputs"
            self._problems.add(entry.beside["inputs"].place, f"{entry.path}.inputs", message)
        scope, base = frame.scope, entry.beside.get("name")
        bare = isinstance(base, Scalar) and not has_expression(str(base.value))
        for i in range(times):
            frame.scope = {**scope, COUNTER: i}
            beside = dict(entry.beside)
            if isinstance(base, Scalar) and bare:
                beside["name"] = Scalar(f"{base.value}_{i}", base.place)
            self._once(replace(entry, path=f"{entry.path}(i={i})", beside=beside), frame, given, i)
            after = frame.read()
            given = Given() if isinstance(after, str) else after
        frame.scope = scope
        if isinstance(base, Scalar) and bare:
            frame.known[str(base.value)] = Known(given.refs)

    def _given(
        self, entry: Written, index: int, entries: Sequence[Written | None], frame: Frame
    ) -> Given:
        """What the entry reads, by its `inputs:` or from above."""
        path = f"{entry.path}.inputs"
        node = entry.beside.get("inputs")
        if node is None:
            above = frame.read()
            if isinstance(above, str):
                self._problems.add(entry.key.place, entry.path, above)
                return Given()
            return above
        node = filled(node, frame.scope, path, self._problems)
        if isinstance(node, Fields):
            named = {
                str(key.value): self.resolve(value, frame, f"{path}.{key.value}", index, entries)
                for key, value in node
            }
            return Given((), {name: item for name, item in named.items() if item is not None})
        parts = forms.several(node)
        if not parts:
            message = "expected a name, a list of names or a mapping, found an empty list"
            self._problems.add(node.place, path, message)
        refs = [self.resolve(item, frame, path + part, index, entries) for part, item in parts]
        return Given(tuple(ref for ref in refs if ref is not None))

    def _once(self, entry: Written, frame: Frame, given: Given, i: int) -> None:
        """Add the entry one time, the `i`-th."""
        self._steps += 1
        if self._steps > MOST_LAYERS:
            message = f"more than {MOST_LAYERS} layers once blocks and repeats are expanded"
            problem = Problem(entry.key.place, entry.path, message)
            raise SpecError([*self._problems.found, problem])
        if entry.again:
            self._call(entry, frame, given)
        elif entry.word in self._blocks:
            self._block(self._blocks[entry.word], entry, frame, given, i)
        else:
            self._layer(entry, frame, given)

    def _name(self, entry: Written, frame: Frame, base: str, sign: str = "_") -> tuple[str, bool]:
        """(the entry's name in its list, whether it was written)."""
        node = entry.beside.get("name")
        if node is not None:
            value = filled(node, frame.scope, f"{entry.path}.name", self._problems)
            return str(plain(value)), True
        taken = () if frame.prefix or entry.again else self._models
        return frame.automatic(base, taken, sign), False

    def _layer(self, entry: Written, frame: Frame, given: Given) -> None:
        kind = Layer.find(entry.word)
        name, named = self._name(entry, frame, snake_case(kind.type_name()))
        full = frame.prefix + name
        layer = self._made(kind, entry, frame)
        self._add(self._flat(entry, frame, full, given, layer=layer, named=named), frame)
        frame.known[name] = self.known[full]

    def _made(self, kind: type[Layer], entry: Written, frame: Frame) -> Layer | None:
        """The layer; one without `${...}` is made once however often its entry is repeated."""
        path = f"{entry.path}.{entry.word}"
        body = entry.body
        if body is not None:
            before = len(self._problems)
            body = filled(body, frame.scope, path, self._problems)
            if len(self._problems) > before:
                return None
        if body is not entry.body:
            return self._valid(kind, body, entry, path)
        if id(entry.key) not in self._layers:
            self._layers[id(entry.key)] = self._valid(kind, body, entry, path)
        return self._layers[id(entry.key)]

    def _valid(
        self, kind: type[Layer], body: Node | None, entry: Written, path: str
    ) -> Layer | None:
        """The layer of these fields. `name` among them is Keras' habit; here it stands beside."""
        if isinstance(body, Fields):
            inside = {key.value for key, _ in body if key.value in BESIDE} - {*kind.model_fields}
            for key, _ in body:
                if key.value in inside:
                    message = f"{key.value!r} stands beside {entry.word!r}, not inside it"
                    self._problems.add(key.place, f"{path}.{key.value}", message)
            if inside:
                kept = [pair for pair in body if pair[0].value not in inside]
                body = Fields(kept, body.place)
        return layer_of(kind, body, entry.key, path, self._problems)

    def _call(self, entry: Written, frame: Frame, given: Given) -> None:
        path = f"{entry.path}.call"
        key = filled(entry.key, frame.scope, path, self._problems)
        target = forms.name(key, path, self._problems)
        if target is None:
            return
        known = frame.known.get(target) or self.known.get(frame.prefix + target)
        called = target if target in self._models else known and known.layer
        if called is None:
            callable_ = [name for name, item in frame.known.items() if item.layer is not None]
            message = f"nothing is called {target!r};{nearest(target, [*callable_, *self._models])}"
            if known is not None:
                message = f"{target!r} is no layer: blocks are inlined; models: can be called again"
            self._problems.add(entry.key.place, path, message)
        name, named = self._name(entry, frame, target, "@")
        full = frame.prefix + name
        self._add(self._flat(entry, frame, full, given, call=called, named=named), frame)
        frame.known[name] = self.known[full]

    def _flat(
        self,
        entry: Written,
        frame: Frame,
        full: str,
        given: Given,
        *,
        layer: Layer | None = None,
        call: str | None = None,
        named: bool,
    ) -> Entry:
        """The entry as the spec keeps it."""
        path = f"{entry.path}.call"
        node = entry.beside.get("call")
        flags: dict[str, object] = {}
        if isinstance(node, Fields):
            values = filled(node, frame.scope, path, self._problems)
            flags = {str(key): value for key, value in cast("Any", plain(values)).items()}
        elif node is not None:
            message = f"expected a mapping of call arguments, found {kind_of(node)}"
            self._problems.add(node.place, path, message)
        inputs = None if given.arguments else given.refs
        if given.implicit and given.refs == self._default():
            inputs = None
        return Entry(
            full, layer, call, inputs, given.arguments, flags,
            named or bool(frame.prefix), entry.key.place, entry.path,
        )  # fmt: skip

    def _default(self) -> tuple[Reference, ...]:
        """What an entry with `inputs` None reads: the entry above, or the only input."""
        if self.entries:
            return (Reference(self.entries[-1].name),)
        return (Reference(self._inputs[0].name),) if len(self._inputs) == 1 else ()

    def _add(self, flat: Entry, frame: Frame) -> None:
        """Append; the next entry of the frame reads it."""
        if flat.name in self.known and "/" in flat.name:
            message = f"the name {flat.name!r} is taken; names in a block begin with the block's"
            self._problems.add(flat.place, flat.path, message)
        self.entries.append(flat)
        callable_ = flat.call or flat.name
        self.known[flat.name] = Known((Reference(flat.name),), callable_)
        frame.last, frame.implicit = Reference(flat.name), True

    def _block(self, block: Block, entry: Written, frame: Frame, given: Given, i: int) -> None:
        """Inline a block: its entries in a frame of their own."""
        name, _ = self._name(entry, frame, block.name)
        known = Known((Reference(frame.prefix + name),))
        inner = self._inner(block, entry, frame, given, f"{frame.prefix}{name}/", i)
        implicit = False
        if inner is not None:
            self._list(inner, block.layers, f"{entry.path}.{entry.word}")
            outputs = self.outputs(block.outputs, inner, f"blocks.{block.name}.outputs")
            known = Known(outputs) if outputs else known
            implicit = inner.implicit and not block.outputs
        frame.known[name] = self.known[frame.prefix + name] = known
        several = f"{name!r} above has several outputs; choose with `inputs:`, {name} or {name}[1]"
        frame.last = known.outputs[0] if len(known.outputs) == 1 else several
        frame.implicit = implicit

    def _inner(
        self, block: Block, entry: Written, frame: Frame, given: Given, prefix: str, i: int
    ) -> Frame | None:
        """The frame of an inlined block; None when it cannot be inlined."""
        path = f"{entry.path}.{entry.word}"
        around = (*frame.blocks, block.name)
        wrong = None
        if block.name in frame.blocks:
            wrong = f"block {block.name!r} contains itself: {' -> '.join(around)}"
        elif len(around) > MOST_NESTED:
            wrong = f"blocks are nested deeper than {MOST_NESTED} levels"
        if wrong:
            self._problems.add(entry.key.place, path, wrong)
            return None
        body = entry.body and filled(entry.body, frame.scope, path, self._problems)
        scope = block.scope(body, entry.key, path, self._problems)
        bound = self._bound(block, entry, given)
        if scope is None or bound is None:
            return None
        names = ", ".join(bound)
        last = f"block {block.name!r} has {len(bound)} inputs; choose with `inputs:` ({names})"
        known = {name: Known((ref,)) for name, ref in bound.items()}
        only = next(iter(bound.values())) if len(bound) == 1 else last
        scope = {**scope, COUNTER: i}
        return Frame(prefix, scope, only, given.implicit, known=known, blocks=around)

    def _bound(self, block: Block, entry: Written, given: Given) -> dict[str, Reference] | None:
        """The references behind a block's own input names."""
        refs = given.arguments or dict(zip(block.inputs, given.refs, strict=False))
        count = len(given.arguments) + len(given.refs)
        if count == len(block.inputs) and set(refs) == set(block.inputs):
            return {name: refs[name] for name in block.inputs}
        wanted = f"{len(block.inputs)} input" + "s" * (len(block.inputs) > 1)
        message = f"block {block.name!r} takes {wanted} ({', '.join(block.inputs)}), received "
        message += ", ".join(given.arguments) or str(count)
        self._problems.add(entry.key.place, f"{entry.path}.inputs", message)
        return None

    def outputs(self, nodes: Sequence[Node], frame: Frame, path: str) -> tuple[Reference, ...]:
        """The references of `outputs:`; the last entry's when nothing is written."""
        if not nodes:
            return () if isinstance(frame.last, str) else (frame.last,)
        found = [self.resolve(node, frame, path, 0, ()) for node in nodes]
        return tuple(ref for ref in found if ref is not None)
