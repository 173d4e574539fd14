"""Raw inputs in front of a graph that is served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specc import primitives as ops
from specc.compiler.lowering import dims
from specc.data.preparation import Preparation, Raw
from specc.errors import DataError
from specc.layer import InputLayer
from specc.network import Network
from specc.network.ports import is_taken
from specc.primitives import Tensor

# ONNX compares texts from this opset on, and splits them from the next.
TEXT_OPSET = 20


def prepared(
    x: Tensor, preparations: Mapping[str, Preparation], batch: int | None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """(an input of the network, the graph's inputs that it is computed from).

    Raises:
        DataError: a raw input has a name that the graph needs itself.
    """
    name = str(x.attrs["name"])
    found = preparations.get(name)
    if found is None:
        return x, (x,)
    raws: list[Tensor] = []
    for raw in found.raw(name):
        if is_taken(raw.name):
            raise DataError(
                f"column {raw.name!r}: a graph has an input of its own with this name; call the"
                " column something else"
            )
        raws.append(ops.graph_input(x.trace, raw.name, dims(raw.shape, batch), raw.dtype))
    return found.lower(raws), tuple(raws)


def least_opset(opset: int, preparations: Sequence[Preparation]) -> int:
    """The opset that a graph with these preparations needs."""
    raws: list[Raw] = [raw for each in preparations for raw in each.raw("")]
    return max(opset, TEXT_OPSET) if any(raw.dtype == "string" for raw in raws) else opset


def own_opset(opset: int, network: Network) -> int:
    """The opset that a network needs: `opset`, more where it reads texts."""
    layers = [ref.call.node.layer for ref in network.inputs]
    texts = any(isinstance(layer, InputLayer) and layer.dtype == "string" for layer in layers)
    return max(opset, TEXT_OPSET) if texts else opset
