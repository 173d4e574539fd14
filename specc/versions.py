"""A spec compiled for the lengths of its inputs: one version for each, all with one state.

A spec whose lengths are known has one version for good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from specc.compiler.bundle import Bundle, baked, bundle, initial_weights, weight_infos
from specc.compiler.compiler import Compiler
from specc.compiler.state import ITERATIONS, StateMap
from specc.engine import Engine
from specc.network import Network, build
from specc.network.lengths import closed, is_open
from specc.session import Device, Runner
from specc.spec.model import Spec
from specc.targets.costs import KernelCosts
from specc.targets.target import target
from specc.tensors import Shape

Array: TypeAlias = npt.NDArray[Any]
# Versions that are kept; each holds its graphs in memory.
MOST = 8


@dataclass(slots=True)
class Version:
    """The programs of a spec whose lengths are all known, and what runs them.

    Attributes:
        predictor: inference with the weights baked in, and the revision of the weights.
    """

    spec: Spec
    compiler: Compiler
    bundle: Bundle
    engine: Engine
    vjps: dict[bool, Runner] = field(default_factory=dict[bool, Runner])
    predictor: tuple[int, Runner] | None = None


class Versions:
    """The versions of one spec; one of them is at work and has the state.

    Args:
        spec, target, device, seed, threads, costs: as of `specc.Model`.

    Raises:
        SpecError, CompileError: the spec does not resolve or compile.
        RuntimeSetupError: the device is not there.
    """

    def __init__(
        self,
        spec: Spec,
        target: str,
        device: Device,
        seed: int,
        threads: int | None,
        costs: KernelCosts | None = None,
    ) -> None:
        self.spec = spec
        self.target = target
        self.device: Device = device
        self.seed = seed
        self.threads = threads
        self.costs = costs
        network = build(spec)
        self.inputs = network.input_names
        self.open = is_open(network)
        self.revision = 0
        self._made: dict[tuple[Shape, ...], Version] = {}
        first = initial_weights(network, self.seed)
        self.now = self._waiting(network, first) if self.open else self._version(spec, first)

    def _waiting(self, network: Network, first: Mapping[str, Array]) -> Version:
        """Weights without programs, while no lengths are known."""
        made = Bundle(self.spec.name, self.target, 0, {}, StateMap(()), weight_infos(network))
        compiler = Compiler(self.spec, network, target(self.target, self.costs), 0, seed=self.seed)
        engine = Engine(made, dict(first), self.device, self.threads)
        return Version(self.spec, compiler, made, engine)

    def _version(self, spec: Spec, state: Mapping[str, Array]) -> Version:
        """A version with a state, or the first state where it has only weights."""
        compiler = Compiler.of(spec, self.target, costs=self.costs)
        compiler.seed = self.seed
        made = bundle(compiler)
        weights = {w.name: state[w.name] for w in made.weights}
        whole = made.initial_state(weights) | dict(state)
        return Version(spec, compiler, made, Engine(made, whole, self.device, self.threads))

    def use(self, shapes: Sequence[Sequence[int]]) -> None:
        """Take up the version for inputs of these shapes, batch first.

        Raises:
            DataError: a shape has another number of axes than its input.
            SpecError, CompileError: the spec does not resolve or compile for them.
        """
        wanted = closed(self.spec, shapes)
        key = tuple(given.layer.shape for given in wanted.model.inputs)
        found = self._made.pop(key, None)
        if found is None:
            if len(self._made) >= MOST:
                self._made.pop(next(iter(self._made)))
            found = self._version(wanted, self.now.engine.state())
        elif found is not self.now:
            found.engine.replace(self.now.engine.state())
        self._made[key] = found
        self.now = found

    def replace(self, state: Mapping[str, Array]) -> None:
        """Put another state in place."""
        self.now.engine.replace(state)
        self.revision += 1

    @property
    def is_new(self) -> bool:
        """Whether no step has been made."""
        return not int(self.now.engine.state().get(ITERATIONS, np.array(0)))

    def vjp(self, *, training: bool) -> Runner:
        """What runs the vector-Jacobian product."""
        now = self.now
        if training not in now.vjps:
            program = now.compiler.vjp(training=training)
            now.vjps[training] = Runner(program, self.device, self.threads)
        return now.vjps[training]

    def predictor(self) -> Runner:
        """What runs inference with the weights as they stand."""
        now = self.now
        if now.predictor is None or now.predictor[0] != self.revision:
            program = baked(now.spec, now.engine.weights())
            now.predictor = (self.revision, Runner(program, self.device, self.threads))
        return now.predictor[1]
