"""Everything a runner needs, compiled: programs, their state, and what to feed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from specc.compiler.compiler import Compiler
from specc.compiler.objective import Target, targets
from specc.compiler.preparing import least_opset
from specc.compiler.program import Port, Program
from specc.compiler.state import STATES, Array, StateMap
from specc.data.preparation import Preparation
from specc.errors import RunError
from specc.network import Network
from specc.network.ids import Limit, id_limits
from specc.onnx_api import domains
from specc.optimizers.schedules import Schedule
from specc.spec.model import Spec
from specc.targets.blocks import InternalOps
from specc.targets.costs import KernelCosts
from specc.tensors import DType

# The training program for batches of `train.batch_size` samples, which internal operators ask for.
FULL = "train_full"


@dataclass(frozen=True, slots=True)
class WeightInfo:
    """A weight as the outside knows it, in Keras' order and shape."""

    name: str
    shape: tuple[int, ...]
    dtype: DType
    trainable: bool


@dataclass(frozen=True, slots=True)
class TargetInfo:
    """What one output is trained on.

    Attributes:
        classes: how many ids integer targets have, if bounded.
        ignores: whether a weighted metric counts otherwise where nobody weighs samples.
    """

    output: str
    port: Port
    weight: Port
    classes: int | None = None
    ignores: bool = False


@dataclass(frozen=True)
class Bundle:
    """The programs of one spec for one target.

    Attributes:
        programs: `infer`, and with a `train:` section `train` and `eval`; `train_full` where
            internal operators are allowed and of use.
        rate: the first learning rate; None when a schedule gives it, or several rules have one.
        limits: of the ids of inputs that a layer looks up, by input.
        averaged: the slot that holds moving averages of the weights, when the optimizer has it.
        costs: of the calibration that lowerings were chosen by, if one was given.
        internal: whose internal operators `train_full` has.
    """

    name: str
    target: str
    opset: int
    programs: Mapping[str, Program]
    state: StateMap
    weights: tuple[WeightInfo, ...]
    targets: tuple[TargetInfo, ...] = ()
    logs: tuple[str, ...] = ()
    rate: float | None = None
    averaged: bool = False
    costs: KernelCosts | None = None
    limits: Mapping[str, Limit] = field(default_factory=dict[str, Limit])
    internal: InternalOps | None = None

    @cached_property
    def inputs(self) -> tuple[Port, ...]:
        """The model's inputs, in order."""
        ports = self.programs["infer"].ports("input")
        counts = {name: limit.count for name, limit in self.limits.items()}
        return tuple(replace(port, ids=counts.get(port.name)) for port in ports)

    @property
    def batch(self) -> int | None:
        """The number of samples that every run takes; None when they take any."""
        return self.programs["infer"].batch

    @cached_property
    def carried(self) -> tuple[str, ...]:
        """Names of what stateful layers carry from batch to batch."""
        found = (t.elements for t in self.state.tensors if t.name == STATES)
        return tuple(e.name for elements in found for e in elements)

    def check_weights(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Arrays for every weight, with its shape and type.

        Raises:
            RunError: one is missing, unknown, no numbers, or of another shape.
        """
        names = {w.name for w in self.weights}
        unknown = sorted(set(arrays) - names)
        missing = [w.name for w in self.weights if w.name not in arrays]
        if unknown or missing:
            raise RunError(f"weights: missing {missing}, unknown {unknown}")
        checked: dict[str, Array] = {}
        for w in self.weights:
            array = np.asarray(arrays[w.name])
            if array.dtype.kind not in "biuf":
                raise RunError(f"weight {w.name}: expected numbers, received {array.dtype}")
            if array.shape != w.shape:
                raise RunError(f"weight {w.name}: expected shape {w.shape}, got {array.shape}")
            checked[w.name] = np.array(array, np.dtype(w.dtype), order="C")
        return checked

    def initial_state(self, weights: Mapping[str, Array]) -> dict[str, Array]:
        """Named state before the first step."""
        return self.state.initial(weights, self.rate)


def bundle(compiler: Compiler) -> Bundle:
    """Compile everything that the spec has.

    Raises:
        CompileError: something cannot be compiled.
    """
    spec, network = compiler.spec, compiler.network
    programs: dict[str, Program] = {}
    infos: tuple[TargetInfo, ...] = ()
    rate: float | None = None
    averaged = False
    internal = None
    if spec.train is not None and spec.train.loss is not None:
        # First, so that weights lie as internal operators want them.
        if (full := _full(compiler, spec.train.batch_size)) is not None:
            programs[FULL], internal = full, compiler.internal
        programs["train"] = compiler.train()
        programs["eval"] = compiler.evaluate()
        infos = tuple(_target_info(compiler, t, programs["train"]) for t in _targets(compiler))
        given = spec.train.optimizer.rate
        rate = None if given is None or isinstance(given, Schedule) else float(given)
        averaged = spec.train.optimizer.averages
    programs["infer"] = compiler.infer()
    weights = weight_infos(network)
    return Bundle(
        spec.name, compiler.target.name, compiler.opset, programs, compiler.state, weights, infos,
        compiler.logs, rate, averaged, compiler.target.costs, id_limits(network),
        internal,
    )  # fmt: skip


def _full(compiler: Compiler, size: int) -> Program | None:
    """The training program with internal operators, if they are allowed and of use."""
    if compiler.internal is None:
        return None
    allowed = compiler.target.allowed(compiler.internal)
    program = replace(compiler, target=allowed, batch=compiler.batch or size).train()
    return program if domains(program.nodes) else None


def weight_infos(network: Network) -> tuple[WeightInfo, ...]:
    """All weights, in Keras' order."""
    return tuple(
        WeightInfo(w.name, w.weight.shape, w.weight.dtype, w.trainable) for w in network.weights
    )


def _targets(compiler: Compiler) -> tuple[Target, ...]:
    return targets(compiler.objectives, compiler.weighed)


def _target_info(compiler: Compiler, target: Target, program: Program) -> TargetInfo:
    ports = {p.name: p for p in program.inputs}
    objective = compiler.objectives[target.index]
    classes = None
    ignoring = objective.loss is not None and objective.loss.ignores
    if target.dtype != "float32" and not ignoring:
        classes = objective.output.shape[-1]
    ignores = any(metric.ignores for metric in objective.weighted)
    return TargetInfo(
        target.output, ports[target.name], ports[target.weight_name], classes, ignores
    )


def initial_weights(network: Network, seed: int) -> dict[str, Array]:
    """First values of all weights, drawn from the seed and each weight's name."""
    return {
        w.name: w.weight.initializer.create(w.weight.shape, seed, w.name).astype(w.weight.dtype)
        for w in network.weights
    }


def baked(
    spec: Spec,
    weights: Mapping[str, Array],
    opset: int | None = None,
    metadata: Mapping[str, str] | None = None,
    preparations: Mapping[str, Preparation] | None = None,
) -> Program:
    """The inference graph with its weights as constants, in the layout that onnxruntime optimises.

    Served graphs keep Conv, pools and Gemm with constant weights, whatever target trained them.
    What the data source does to its files is done in the graph.
    """  # fmt: skip
    compiler = Compiler.of(spec, "portable", opset)
    before = preparations or {}
    compiler.opset = least_opset(compiler.opset, list(before.values()))
    return compiler.infer(weights, metadata, before)
