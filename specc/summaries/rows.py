"""What a summary shows, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from specc.network import Network, Node, NodeWeight
from specc.summaries.shown import shown_shapes
from specc.tensors import Shape


@dataclass(frozen=True, slots=True)
class Row:
    """One layer.

    Attributes:
        number: which of its kind an automatic name says, see `Node.number`.
        output_shapes: batch first, one for each output.
        connected_to: names of the layers that feed it, over all its calls.
        connections: the same with call and output: `dense[0][0]`.
    """

    name: str
    type: str
    number: int | None
    output_shapes: tuple[Shape, ...]
    params: int
    trainable_params: int
    connected_to: tuple[str, ...]
    connections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers of weight elements, and their bytes."""

    trainable_params: int
    non_trainable_params: int
    trainable_bytes: int
    non_trainable_bytes: int

    @property
    def params(self) -> int:
        """All of them."""
        return self.trainable_params + self.non_trainable_params

    @property
    def bytes(self) -> int:
        """Of all of them."""
        return self.trainable_bytes + self.non_trainable_bytes


def rows(network: Network, batch: int | None = None) -> list[Row]:
    """A row for each node, with `batch` in place of the open batch axis."""
    shapes = shown_shapes(network)
    return [_row(node, shapes[node.calls[-1]], batch) for node in network.nodes]


def _row(node: Node, shapes: Sequence[Shape], batch: int | None) -> Row:
    feeds = [ref for call in node.calls for ref in call.written]
    return Row(
        node.name,
        node.type_name,
        node.number,
        tuple(_with_batch(shape, batch) for shape in shapes),
        node.params,
        node.trainable_params,
        tuple(ref.call.node.name for ref in feeds),
        tuple(f"{ref.call.node.name}[{ref.call.index}][{ref.output}]" for ref in feeds),
    )


def _with_batch(shape: Shape, batch: int | None) -> Shape:
    return (batch, *shape[1:]) if shape and shape[0] is None else shape


def totals(network: Network) -> Totals:
    """Sums over all weights."""
    trainable = [weight for weight in network.weights if weight.trainable]
    frozen = [weight for weight in network.weights if not weight.trainable]
    return Totals(
        sum(weight.count for weight in trainable),
        sum(weight.count for weight in frozen),
        _memory(trainable),
        _memory(frozen),
    )


def _memory(weights: Sequence[NodeWeight]) -> int:
    return sum(weight.bytes for weight in weights)


def shape_text(shapes: Sequence[Shape]) -> str:
    """Keras' text: `(None, 5)`, and for several outputs `[(None, 5), (None, 5)]`."""
    texts = [f"({', '.join(map(str, shape))})" for shape in shapes]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def json_shape(shapes: Sequence[Shape]) -> list[Any]:
    """Keras' JSON: `[None, 5]`, and for several outputs a list of such."""
    lists = [list(shape) for shape in shapes]
    return lists[0] if len(lists) == 1 else lists


def size_text(size: float) -> str:
    """Bytes in Keras' units of 1024: `0.00 B`, `364.54 KB`."""
    units = ["B", "KB", "MB", "GB", "TB", "PB"]
    while size >= 1024 and len(units) > 1:  # noqa: PLR2004
        size /= 1024
        units.pop(0)
    return f"{size:.2f} {units[0]}"
