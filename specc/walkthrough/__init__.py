"""A page that slides a layer's window over an image, one place after the other, with its numbers.

One file for any browser, no network; a script of our own computes what it shows.
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from specc.checkpoint import load as load_weights
from specc.data.images import frame, read_image
from specc.errors import RunError, SpeccError, nearest
from specc.explanation import explain
from specc.network import Call, Network
from specc.walkthrough.scene import Array, Scene, scene
from specc.walkthrough.script import SCRIPT
from specc.walkthrough.style import STYLE
from specc.web.page import Section, page


def walkthrough(
    network: Network,
    layer: str,
    seed: int = 0,
    weights: Path | None = None,
    picture: Path | None = None,
) -> str:
    """The page about the first call of a layer.

    Args:
        network: the model.
        layer: the layer's name.
        seed: draws the layer's filters, as for a new model.
        weights: a .safetensors file to take them from instead, a checkpoint of a run.
        picture: an image file to slide over, brought to the size of the layer's input.

    Raises:
        SpeccError: there is no such layer, or it slides no window over an image.
        DataError, RunError: a file cannot be read, or does not fit.
    """
    call = _call(network, layer)
    given = None
    if picture is not None:
        given = read_image(picture, frame(call.input_shapes[0], layer))
        given = given if given.ndim == 3 else given[..., None]  # noqa: PLR2004
    found = scene(call, _weights(call, seed, weights), given)
    return _page(network, found)


def _call(network: Network, layer: str) -> Call:
    for call in network.calls:
        if call.node.name == layer:
            return call
    names = [call.node.name for call in network.calls]
    raise SpeccError(f"no layer is called {layer!r};{nearest(layer, names)}")


def _weights(call: Call, seed: int, path: Path | None) -> dict[str, Array]:
    """The layer's weights by unique name."""
    if path is None:
        return {
            w.name: w.weight.initializer.create(w.weight.shape, seed, w.name)
            for w in call.node.weights
        }
    named, _ = load_weights(path)
    for w in call.node.weights:
        if w.name not in named or named[w.name].shape != w.weight.shape:
            raise RunError(f"{path}: expected a weight {w.name!r} of shape {w.weight.shape}")
    return {w.name: named[w.name] for w in call.node.weights}


def _page(network: Network, found: Scene) -> str:
    # Inside a script element only `</` could end it early.
    data = json.dumps(found.to_dict(), separators=(",", ":")).replace("</", "<\\/")
    sections = [
        Section("Step by step", _steps(found) + _CONTROLS + _GRIDS),
        Section("Move the input", _SHIFT),
        Section("In numbers", f"{_PRE}{escape(explain(network, found.layer))}</pre>"),
    ]
    script = (
        f'<script type="application/json" id="scene">{data}</script>\n<script>{SCRIPT}</script>'
    )
    sections[-1] = Section(sections[-1].title, sections[-1].body + script)
    title = f"{found.layer} of {network.name}"
    return page(title, _lead(found), sections, STYLE)


def _lead(found: Scene) -> str:
    words = {
        "conv": "multiplies each number in its window by the kernel's number at the same place,"
        " adds everything up over all channels, and adds the bias",
        "max": "takes the greatest number in its window, channel by channel",
        "average": "takes the mean of the numbers in its window, channel by channel",
    }
    (kh, kw), (sh, sw) = found.kernel, found.strides
    (top, bottom), (left, right) = found.padding
    lead = (
        f"<p>This layer {words[found.kind]}. Then the window moves on. Window {kh}×{kw}, stride"
        f" {sh}×{sw}, padding {top}+{bottom} in height and {left}+{right} in width.</p>"
    )
    cut: list[str] = []
    if found.size != found.whole:
        cut.append(f"{found.size[0]}×{found.size[1]} of {found.whole[0]}×{found.whole[1]} places")
    if found.channels != found.depth:
        cut.append(f"{found.channels} of {found.depth} channels")
    if cut:
        lead += f'<p class="dim">Shown are {" and ".join(cut)} of its input.</p>'
    return lead


def _steps(found: Scene) -> str:
    choice = '<label>Picture <select id="image"></select></label>'
    if found.kind == "conv":
        choice += '<label>Kernel <select id="kernel"></select></label>'
    return f'<div class="controls">{choice}</div>'


_PRE = '<pre tabindex="0" role="region" aria-label="Sizes and parameters">'
_CONTROLS = """<div class="controls">
<button id="back" type="button">Back</button><button id="play" type="button">Play</button>
<button id="next" type="button">Next</button>
<label style="flex:1 1 14rem">Window <input id="step" type="range" min="0" value="0"></label>
</div>"""
_GRIDS = """<p id="where" class="dim"></p>
<div class="grids" id="inputs"></div>
<div class="sum" id="sum" aria-live="polite" tabindex="0" role="region" aria-label="Arithmetic">
</div>
<div class="grids"><div class="grids" id="kernels"></div>
<div class="grids" id="output"></div></div>
<p class="dim">Dashed cells are padding. Framed cells are what the window sees, and what comes out.
The slider also listens to the arrow keys; a click on an output goes to its window.</p>
"""
_SHIFT = """<p>A window does the same everywhere, so what it finds moves along when the input moves
(translation equivariance). Pooling then forgives small moves: the greatest of a few neighbours is
often the same as before. Taken over the whole map, it does not depend on the place at all
(translation invariance), as long as nothing leaves the image.</p>
<div class="controls"><div class="arrows" role="group" aria-label="Move the input">
<button class="up" id="up" type="button" aria-label="up">↑</button>
<button class="left" id="left" type="button" aria-label="left">←</button>
<button id="home" type="button" aria-label="back to the start">⌂</button>
<button id="right" type="button" aria-label="right">→</button>
<button class="up" id="down" type="button" aria-label="down">↓</button></div>
<p id="told" aria-live="polite" style="flex:1 1 16rem"></p></div>
<div class="grids" id="shifted"></div>"""
