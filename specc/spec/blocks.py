"""`blocks:`: named groups of entries with arguments, and filling those arguments in.

    blocks:
      residual:
        args: {filters: null, stride: 1}    # null: must be given; others are defaults
        inputs: [x]                         # names of the block's inputs; `input` by default
        layers: [...]                       # entries; the first reads the (only) input
        outputs: shortcut                   # a name or a list; the last entry by default

`args` may also be a list of names, all of which must be given. A default may use the arguments
before it.
"""

from __future__ import annotations

from dataclasses import dataclass

from specc.errors import Place, nearest
from specc.layer import Layer
from specc.spec import forms
from specc.spec.expressions import WORDS, ExpressionError, Scope, fill, has_expression
from specc.spec.nodes import Fields, Items, Node, Scalar, kind_of, node_of, plain
from specc.spec.problems import Problems

KEYS = ("args", "inputs", "layers", "outputs")
# The keys beside a layer's or block's own.
BESIDE = ("name", "inputs", "call", "repeat")
# The variable that counts repetitions, from 0.
COUNTER = "i"
DEFAULT_INPUT = "input"


@dataclass(frozen=True, slots=True)
class Block:
    """A group of entries, not yet inlined. `args`: the default of each, None where required."""

    name: str
    args: dict[str, Node | None]
    inputs: tuple[str, ...]
    layers: tuple[Node, ...]
    outputs: tuple[Node, ...]
    place: Place

    def scope(self, given: Node | None, key: Scalar, path: str, problems: Problems) -> Scope | None:
        """The block's arguments for one use; None when one is missing or unknown.

        A scalar or list is the first argument, as for layers.
        """
        fields = self._given(given, key, path, problems)
        if fields is None:
            return None
        scope: dict[str, object] = {}
        good = True
        for name, default in self.args.items():
            node = fields.get(name)
            if node is None and default is None:
                missing = f"missing argument {name!r} of block {self.name!r}"
                problems.add(key.place, path, missing)
                good = False
            elif node is not None:
                scope[name] = plain(node)
            elif default is not None:
                scope[name] = plain(filled(default, scope, f"blocks.{self.name}.args", problems))
        return scope if good else None

    def _given(
        self, given: Node | None, key: Scalar, path: str, problems: Problems
    ) -> dict[str, Node] | None:
        if given is None or (isinstance(given, Scalar) and given.value is None):
            return {}
        if not isinstance(given, Fields):
            if not self.args:
                problems.add(given.place, path, f"block {self.name!r} takes no arguments")
                return None
            return {next(iter(self.args)): given}
        before = len(problems)
        for name, _ in given:
            if str(name.value) not in self.args:
                hint = nearest(str(name.value), self.args) or " it takes none"
                message = f"unknown argument {name.value!r} of block {self.name!r};{hint}"
                problems.add(name.place, forms.join(path, str(name.value)), message)
        found = {str(name.value): value for name, value in given}
        return found if len(problems) == before else None


def filled(node: Node, scope: Scope, path: str, problems: Problems) -> Node:
    """The node with every `${...}` in it computed; itself when there is none."""
    if isinstance(node, Scalar):
        if not isinstance(node.value, str) or not has_expression(node.value):
            return node
        try:
            return node_of(fill(node.value, scope), node.place)
        except ExpressionError as error:
            problems.add(node.place, path, str(error))
            return Scalar(None, node.place)
    if isinstance(node, Items):
        items = [filled(item, scope, path, problems) for item in node.items]
        same = all(a is b for a, b in zip(items, node.items, strict=True))
        return node if same else Items(items, node.place)
    pairs = [
        (key, filled(value, scope, forms.join(path, str(key.value)), problems))
        for key, value in node
    ]
    same = all(a is b for (_, a), (_, b) in zip(pairs, node, strict=True))
    return node if same else Fields(pairs, node.place)


def read_blocks(node: Node | None, problems: Problems) -> dict[str, Block]:
    """All definitions of the `blocks:` section by name."""
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return {}
    if not isinstance(node, Fields):
        message = f"expected a mapping from names to blocks, found {kind_of(node)}"
        problems.add(node.place, "blocks", message)
        return {}
    blocks: dict[str, Block] = {}
    for key, body in node:
        path = f"blocks.{key.value}"
        name = forms.name(key, path, problems)
        if name is None:
            continue
        if Layer.named(name) or name in BESIDE:
            what = "a layer" if Layer.named(name) else "a key of entries"
            problems.add(key.place, path, f"{name!r} is {what} already; choose another name")
            continue
        blocks[name] = _block(name, body, key.place, problems)
    return blocks


def _block(name: str, node: Node, place: Place, problems: Problems) -> Block:
    path = f"blocks.{name}"
    what = "a mapping with args, inputs, layers, outputs"
    fields = forms.fields(node, KEYS, path, problems, what)
    layers = fields.get("layers")
    if not isinstance(layers, Items) or not layers.items:
        at, found = (place, "none") if layers is None else (layers.place, kind_of(layers))
        problems.add(at, f"{path}.layers", f"expected a list of entries, found {found}")
    inputs = [DEFAULT_INPUT]
    if "inputs" in fields:
        pairs = forms.several(fields["inputs"])
        names = [forms.name(item, f"{path}.inputs{part}", problems) for part, item in pairs]
        inputs = [item for item in names if item is not None]
    return Block(
        name,
        _arguments(fields.get("args"), f"{path}.args", problems),
        tuple(inputs),
        tuple(layers.items) if isinstance(layers, Items) else (),
        tuple(item for _, item in forms.several(fields["outputs"])) if "outputs" in fields else (),
        place,
    )


def _arguments(node: Node | None, path: str, problems: Problems) -> dict[str, Node | None]:
    """Names and defaults from a list of names or a mapping; None is required."""
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return {}
    pairs: list[tuple[Node, Node | None]] = []
    if isinstance(node, Fields):
        pairs = [(key, None if plain(value) is None else value) for key, value in node]
    elif isinstance(node, Items):
        pairs = [(item, None) for item in node.items]
    else:
        wanted = "a list of names, or a mapping from names to defaults (null: required)"
        problems.add(node.place, path, f"expected {wanted}, found {kind_of(node)}")
    found: dict[str, Node | None] = {}
    for key, default in pairs:
        name = forms.name(key, path, problems)
        if name is None:
            continue
        if not name.isidentifier() or name in WORDS or name == COUNTER:
            usable = "letters, digits and _, and not i, if, else, min, max"
            problems.add(key.place, path, f"argument {name!r}: its name must be {usable}")
        elif name in found:
            problems.add(key.place, path, f"argument {name!r} stands twice")
        else:
            found[name] = default
    return found
