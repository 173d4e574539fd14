"""What a model costs: parameters, work, and bytes, counted from shapes alone.

One MAC is a multiplication with its addition. FLOPs are 2 MACs plus all other elementary
operations (biases, comparisons of a pool, exponentials). Work is that of one forward pass of one
sample; open lengths count as 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from specc.layer import InputLayer
from specc.network import Call, Network, build
from specc.network.graph import layer_calls
from specc.optimizers import AnyOptimizer, Schedule
from specc.receptive import Field, receptive_fields
from specc.spec.model import Spec
from specc.tensors import ITEM_BYTES, Shape, elements

FLOAT_BYTES = ITEM_BYTES["float32"]


@dataclass(frozen=True, slots=True)
class CallCost:
    """One call. A sub-model's has the work and activations of all that is inside.

    Attributes:
        name: of the call.
        type: Keras' class name.
        output_shapes: batch first.
        params: number of weight elements; 0 when the layer was called before.
        activation_bytes: size of the outputs, at the batch size asked for.
        fields: what one output element sees of each input; without those of open axes.
    """

    name: str
    type: str
    output_shapes: tuple[Shape, ...]
    params: int
    macs: int
    flops: int
    activation_bytes: int
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Costs:
    """A model's calls and totals.

    Attributes:
        batch: the batch size of `activation_bytes`.
        weight_bytes: of all weights.
        gradient_bytes: of the gradients of trainable weights.
        optimizer_bytes: of what the optimizer keeps; 0 without one.
        activation_bytes: of the inputs and of every output, all kept, as training keeps them.
    """

    name: str
    batch: int
    calls: tuple[CallCost, ...]
    params: int
    trainable_params: int
    weight_bytes: int
    gradient_bytes: int
    optimizer_bytes: int
    activation_bytes: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one sample."""
        return sum(call.macs for call in self.calls)

    @property
    def flops(self) -> int:
        """Elementary operations of one sample, two for each MAC."""
        return sum(call.flops for call in self.calls)

    @property
    def training_bytes(self) -> int:
        """A floor of the memory of a training step: weights, gradients, slots, activations."""
        parts = self.weight_bytes, self.gradient_bytes, self.optimizer_bytes
        return sum(parts) + self.activation_bytes

    def to_dict(self) -> dict[str, Any]:
        """Calls and totals as JSON has them."""
        totals = (
            "batch", "params", "trainable_params", "macs", "flops", "weight_bytes",
            "gradient_bytes", "optimizer_bytes", "activation_bytes", "training_bytes",
        )  # fmt: skip
        return {
            "name": self.name,
            "calls": [_call_dict(call) for call in self.calls],
            **{name: getattr(self, name) for name in totals},
        }


def costs(model: Spec | Network, batch: int = 1, optimizer: AnyOptimizer | None = None) -> Costs:
    """The costs of a spec at a batch size; the optimizer is that of its `train:` section.

    Raises:
        SpecError: the spec has problems.
    """
    network = model if isinstance(model, Network) else build(model)
    if optimizer is None and isinstance(model, Spec) and model.train is not None:
        optimizer = model.train.optimizer
    fields = receptive_fields(network)
    calls = tuple(_call_cost(call, batch, fields[call]) for call in network.calls)
    weights = network.weights
    return Costs(
        network.name,
        batch,
        calls,
        sum(weight.count for weight in weights),
        sum(weight.count for weight in weights if weight.trainable),
        sum(weight.bytes for weight in weights),
        sum(weight.bytes for weight in weights if weight.trainable),
        0 if optimizer is None else optimizer_bytes(network, optimizer),
        _input_bytes(network, batch) + sum(call.activation_bytes for call in calls),
    )


def optimizer_bytes(network: Network, optimizer: AnyOptimizer) -> int:
    """Bytes of the optimizer's state.

    For each trainable weight the rule's slots, its moving average, its accumulated gradient; for
    the model the rule's scalars, the step counter, and the rate unless a schedule gives it.
    Source: keras/src/optimizers/base_optimizer.py, build (3.15.1).
    """
    count = 0
    for rule in optimizer.rules:
        count += len(rule.scalars()) + (not isinstance(rule.learning_rate, Schedule))
    count += len(optimizer.scalars()) if optimizer not in optimizer.rules else 0
    for weight in network.weights:
        if weight.trainable:
            rule = optimizer.rule_of(weight.name)
            extra = rule.use_ema + (rule.gradient_accumulation_steps is not None)
            shape = weight.weight.shape
            slots = rule.slots(shape, weight.name)
            count += sum(elements(shape if s.shape is None else s.shape) for s in slots)
            count += extra * weight.count
    return count * FLOAT_BYTES + ITEM_BYTES["int64"]


def _call_cost(call: Call, batch: int, fields: Mapping[str, Field]) -> CallCost:
    applied = list(layer_calls(call.called, call.input_shapes, call.output_shapes))
    work = [layer.cost(inputs, outputs[0]) for layer, inputs, outputs in applied]
    made = [shape for _, _, outputs in applied for shape in outputs] + list(_at_steps(call))
    return CallCost(
        call.name,
        call.node.type_name,
        call.output_shapes,
        0 if call.index else call.node.params,
        sum(part.macs for part in work),
        sum(2 * part.macs + part.ops for part in work),
        sum(_bytes(shape, batch) for shape in made),
        {name: field for name, field in fields.items() if field.axes},
    )


def _at_steps(call: Call) -> Iterator[Shape]:
    """What is made inside a model that a layer applies to each step of a sequence."""
    if call.node.inner is None or isinstance(call.called, Network):
        return
    batch, steps, *rest = call.input_shapes[0]
    for _, _, outputs in layer_calls(call.node.inner, ((batch, *rest),), ()):
        yield from ((shape[0], steps, *shape[1:]) for shape in outputs)


def _input_bytes(network: Network, batch: int) -> int:
    layers = [ref.call.node.layer for ref in network.inputs]
    return sum(
        _bytes(layer.full_shape, batch, ITEM_BYTES[layer.dtype])
        for layer in layers
        if isinstance(layer, InputLayer)
    )


def _bytes(shape: Shape, batch: int, item: int = FLOAT_BYTES) -> int:
    return batch * elements(shape[1:]) * item


def _call_dict(call: CallCost) -> dict[str, Any]:
    return {
        "name": call.name,
        "type": call.type,
        "output_shapes": [list(shape) for shape in call.output_shapes],
        "params": call.params,
        "macs": call.macs,
        "flops": call.flops,
        "activation_bytes": call.activation_bytes,
        "receptive_field": {name: list(field.sizes) for name, field in call.fields.items()},
    }
