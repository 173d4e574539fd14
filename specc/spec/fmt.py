"""`specc fmt`: one layout for every spec, comments kept, meaning unchanged."""

from __future__ import annotations

from collections.abc import Sequence

import specc.layers  # noqa: F401  # pyright: ignore[reportUnusedImport] - registers the layers
from specc.errors import Place, Problem, SpecError
from specc.layer import Layer
from specc.spec.blocks import BESIDE
from specc.spec.blocks import KEYS as BLOCK_KEYS
from specc.spec.comments import collect
from specc.spec.document import read_document
from specc.spec.emit import Comments, emit
from specc.spec.nodes import Fields, Items, Node, Scalar, kind_of
from specc.spec.problems import Problems
from specc.spec.sections import KEYS as MODEL_KEYS

ORDER = (
    "specc", "name", "kind", "trainable", "inputs", "blocks", "models", "layers", "outputs",
    "train", "data",
)  # fmt: skip


def format_text(text: str, file: str = "") -> str:
    """The spec in its normal layout: order of keys, short forms, braces where they fit.

    Aliases are written out. Formatting twice changes nothing.

    Raises:
        SpecError: it is no YAML mapping, or has duplicate keys, tags or broken aliases.
    """
    problems = Problems()
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    document = read_document(text, file, problems)
    problems.check()
    tree = document.root
    if not isinstance(tree, Fields):
        found = "an empty file" if tree is None else kind_of(tree)
        raise SpecError(Problem(Place(file, 1, 1), "", f"expected a mapping, found {found}"))
    return layout(tree, collect(text, document))


def layout(tree: Fields, comments: Comments | None = None) -> str:
    """The text of a spec's tree in the normal layout; the tree is changed."""
    comments = comments or Comments()
    _Formatter(comments).spec(tree)
    return emit(tree, comments)


class _Formatter:
    """Changes a tree in place to the normal form."""

    def __init__(self, comments: Comments) -> None:
        self._comments = comments

    def spec(self, tree: Fields) -> None:
        """Order the keys, then every model's."""
        _order(tree, ORDER)
        self._model(tree)
        for name, keys in (("blocks", BLOCK_KEYS), ("models", ("name", *MODEL_KEYS))):
            group = tree.get(name)
            for _, body in group if isinstance(group, Fields) else ():
                if isinstance(body, Fields):
                    _order(body, keys)
                    self._model(body)

    def _model(self, body: Fields) -> None:
        layers = body.get("layers")
        if isinstance(layers, Items):
            layers.items = [self._entry(item) for item in layers.items]

    def _entry(self, node: Node) -> Node:
        """An entry in its shortest form: `flatten`, `dense: 10`, `call: name`."""
        if not isinstance(node, Fields) or not node.pairs:
            return node
        own = [key.value for key, _ in node if key.value not in BESIDE]
        _order(node, [*own, "call", "name", "inputs", "repeat"] if not own else [*own, *BESIDE])
        key, body = node.pairs[0]
        short = self._short(str(key.value), body)
        if len(node) == 1 and isinstance(short, Scalar) and short.value is None and own:
            return self._moved(node, key)
        node.pairs[0] = (key, short)
        return node

    def _short(self, word: str, body: Node) -> Node:
        """What stands behind a layer's key: nothing for {}, the value of a first field alone."""
        if not isinstance(body, Fields) or Layer.named(word) is None:
            return body
        if not body.pairs:
            return Scalar(None, body.place)
        field, value = body.pairs[0]
        alone = len(body) == 1 and field.value == Layer.find(word).first_field()
        bare = not isinstance(value, Fields) and not self._comments.on(field)
        empty = isinstance(value, Scalar) and value.value is None
        return value if alone and bare and not empty else body

    def _moved(self, node: Fields, key: Scalar) -> Scalar:
        """The bare key in place of its entry, with the comments of both."""
        self._comments.move(key, to=node)
        self._comments.move(node, to=key)
        return key


def _order(fields: Fields, order: Sequence[object]) -> None:
    """Sort the pairs; keys that are not in `order` stay behind, in their order."""
    rank = {key: i for i, key in enumerate(order)}
    fields.pairs.sort(key=lambda pair: rank.get(pair[0].value, len(rank)))
