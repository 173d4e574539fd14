"""The architecture of a model as a drawing: boxes for layers, lines for tensors."""

from __future__ import annotations

from specc.drawing.boxes import boxes
from specc.drawing.svg import render
from specc.network import Network, build
from specc.spec.model import Spec


def draw(model: Spec | Network, *, expand: bool = False) -> str:
    """The model as an SVG document; `expand` draws the layers inside blocks.

    Raises:
        SpecError: the spec has problems.
    """
    network = model if isinstance(model, Network) else build(model)
    return render(network.name, *boxes(network, expand=expand))
