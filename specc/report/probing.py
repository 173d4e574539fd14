"""What happens inside a model: outputs of its layers, and gradients of a prediction.

A model is looked into by giving its spec further outputs, and an input that is added to a layer's
output: the gradient of that input is the gradient of the layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from specc.compiler.bundle import baked
from specc.layer import InputLayer
from specc.layers.merging import Add
from specc.model import Model
from specc.network import Call, Network
from specc.session import Runner
from specc.spec.model import Entry, InputSpec, Reference, Spec
from specc.tensors import Shape

Array = npt.NDArray[Any]
# Batch, height, width, channels.
MAPS = 4
PROBE = "specc_probe"


def spatial_calls(network: Network) -> list[Call]:
    """The calls whose only output has height and width."""
    return [
        call
        for call in network.calls
        if len(call.output_shapes) == 1 and is_map(call.output_shapes[0])
    ]


def is_map(shape: Shape) -> bool:
    """Whether this is (N, h, w, c) with all lengths known and more than one place."""
    sizes = [size for size in shape[1:] if size is not None]
    return len(shape) == MAPS == len(sizes) + 1 and sizes[0] * sizes[1] > 1


def last_convolution(network: Network) -> Call | None:
    """The last call with weights that slides over an image; what Grad-CAM looks at."""
    found: Call | None = None
    for call in spatial_calls(network):
        layer = call.called
        if isinstance(layer, Network) or not call.node.weights:
            continue
        if layer.window(call.input_shapes) is not None:
            found = call
    return found


def layer_outputs(
    spec: Spec, weights: Mapping[str, Array], calls: Sequence[Call], x: Sequence[Array]
) -> list[Array]:
    """The outputs of some calls on samples."""
    wanted = [Reference(call.name) for call in calls]
    # The model's own outputs stay: every layer must be of use to one.
    others = [ref for ref in _outputs(spec) if ref not in wanted]
    runner = Runner(baked(_with_outputs(spec, [*wanted, *others]), weights))
    names = [entry.name for entry in spec.model.inputs]
    ports = [port.name for port in runner.program.outputs][: len(wanted)]
    found = runner.run(dict(zip(names, x, strict=True)), ports)
    return [found[name] for name in ports]


def _with_outputs(spec: Spec, outputs: Sequence[Reference]) -> Spec:
    """The model with other outputs, without what trains it."""
    model = replace(spec.model, outputs=tuple(outputs), kind="functional")
    return Spec(model, spec.models)


@dataclass(frozen=True, slots=True)
class Attribution:
    """Why a model says what it says, for each sample.

    Attributes:
        saliency: (n, h, w), the size of the gradient of log p at every pixel, from 0 to 1.
        cam: (n, h, w) of the last convolution's places, from 0 to 1; None without one.
    """

    saliency: Array
    cam: Array | None


def attributions(
    spec: Spec, network: Network, weights: Mapping[str, Array], x: Array, classes: Array
) -> Attribution:
    """Saliency and Grad-CAM of the given class of each sample, for a model with one input.

    Source: Simonyan, Vedaldi, Zisserman (2014), Deep Inside Convolutional Networks; Selvaraju et
    al. (2017), Grad-CAM.
    """
    target = last_convolution(network)
    probed = spec if target is None else _probed(spec, target)
    model = Model(_with_outputs(probed, _outputs(probed)), "portable")
    names = list(model.weights)
    model.set_weights({name: weights[name] for name in names})
    inputs = [x]
    if target is not None:
        inputs.append(np.zeros((len(x), *_sizes(target.output_shapes[0])), np.float32))
    outputs = model.predict(inputs)
    first = outputs[0] if isinstance(outputs, list) else outputs
    seed = _seed(first, classes)
    others = [None] * (len(outputs) - 1 if isinstance(outputs, list) else 0)
    found = model.vjp(inputs, [seed, *others])
    gradient = found.input_grads[0]
    slopes = np.zeros_like(x) if gradient is None else np.abs(gradient)
    saliency = _unit(slopes.max(axis=-1) if slopes.ndim == MAPS else slopes)
    if target is None:
        return Attribution(saliency, None)
    maps, pulled = found.outputs[-1], found.input_grads[1]
    shares = np.zeros_like(maps) if pulled is None else pulled.mean(axis=(1, 2), keepdims=True)
    return Attribution(saliency, _unit(np.maximum((maps * shares).sum(axis=-1), 0)))


def _seed(output: Array, classes: Array) -> Array:
    """What makes the gradient that of log p of a class (of the logit for one sigmoid unit)."""
    seed = np.zeros_like(output)
    rows = np.arange(len(output))
    if output.shape[1] == 1:
        p = np.clip(output[:, 0], 1e-7, 1 - 1e-7)
        seed[:, 0] = np.where(classes == 1, 1 / p, -1 / (1 - p))
    else:
        seed[rows, classes] = 1 / np.maximum(output[rows, classes], 1e-7)
    return seed


def _unit(values: Array) -> Array:
    """Each sample's values divided by its greatest."""
    peak = values.reshape(len(values), -1).max(axis=1)
    return values / np.where(peak > 0, peak, 1).reshape(-1, *[1] * (values.ndim - 1))


def _sizes(shape: Shape) -> tuple[int, ...]:
    return tuple(size for size in shape[1:] if size is not None)


def _outputs(spec: Spec) -> tuple[Reference, ...]:
    return spec.model.outputs or (Reference(spec.model.entries[-1].name),)


def _probed(spec: Spec, target: Call) -> Spec:
    """The model with an input that is added to a call's output, which becomes an output, too."""
    entries: list[Entry] = []
    turned = {target.name: Reference(f"{PROBE}_sum")}

    def turn(ref: Reference) -> Reference:
        return turned.get(ref.name, ref)

    for i, entry in enumerate(spec.model.entries):
        given = entry.inputs
        if given is None and i == 0:
            given = (Reference(spec.model.inputs[0].name),)
        moved = None if given is None else tuple(map(turn, given))
        named = {key: turn(ref) for key, ref in entry.arguments.items()}
        entries.append(replace(entry, inputs=moved, arguments=named))
        if entry.name == target.name:
            both = (Reference(entry.name), Reference(PROBE))
            entries.append(Entry(f"{PROBE}_sum", Add(), inputs=both))
    probe = InputSpec(PROBE, InputLayer(_sizes(target.output_shapes[0])))
    outputs = tuple(map(turn, _outputs(spec)))
    model = replace(
        spec.model,
        inputs=(*spec.model.inputs, probe),
        entries=tuple(entries),
        outputs=(*outputs, Reference(target.name)),
    )
    return Spec(model, spec.models)
