"""A spec compiled for the lengths of its inputs and sample weights: versions with one state.

A spec whose lengths are known, and whose samples have one weight each, has one version for good.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from specc.compiler.bundle import Bundle, baked, bundle, initial_weights, weight_infos
from specc.compiler.compiler import Compiler
from specc.compiler.objective import Axes
from specc.compiler.state import ITERATIONS, StateMap
from specc.engine import Engine
from specc.network import Network, build
from specc.network.lengths import closed, is_open
from specc.session import Device, Runner
from specc.spec.model import Spec
from specc.targets.blocks import InternalOps
from specc.targets.costs import KernelCosts
from specc.targets.target import target
from specc.tensors import Shape

Array: TypeAlias = npt.NDArray[Any]
# By output, what `Compiler.weighed` says.
Weighed: TypeAlias = Mapping[str, Axes]
# Versions that are kept; each holds its graphs in memory.
MOST = 8


@dataclass(slots=True)
class Version:
    """The programs of a spec whose lengths are all known, and what runs them.

    Attributes:
        lengths: shapes of the inputs.
        predictor: inference with the weights baked in, and the revision of the weights.
    """

    spec: Spec
    compiler: Compiler
    bundle: Bundle
    engine: Engine
    lengths: tuple[Shape, ...] = ()
    vjps: dict[bool, Runner] = field(default_factory=dict[bool, Runner])
    predictor: tuple[int, Runner] | None = None

    def takes(self, weighed: Weighed) -> bool:
        """Whether sample weights with these axes behind the batch's fit, or can be spread."""
        own = {name: self.compiler.weighed.get(name, ()) for name in weighed}
        return all(
            axes == own[name] or (axes == () and own[name] is not None)
            for name, axes in weighed.items()
        )


class Versions:
    """The versions of one spec; one of them is at work and has the state.

    Args:
        spec, target, device, seed, threads, costs, internal: as of `specc.Model`.

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
        internal: InternalOps | None = None,
    ) -> None:
        self.spec = spec
        self.target = target
        self.device: Device = device
        self.seed = seed
        self.threads = threads
        self.costs = costs
        self.internal = internal
        network = build(spec)
        self.inputs = network.input_names
        # Axes of each, the batch's among them.
        self.ranks = tuple(len(ref.shape) for ref in network.inputs)
        self.open = is_open(network)
        self.revision = 0
        first = initial_weights(network, self.seed)
        self.now = self._waiting(network, first) if self.open else self._version(spec, first)
        self._training: Version | None = None
        # The latest last, which is the one at work.
        self._made = [] if self.open else [self.now]

    def _waiting(self, network: Network, first: Mapping[str, Array]) -> Version:
        """Weights without programs, while no lengths are known."""
        made = Bundle(self.spec.name, self.target, 0, {}, StateMap(()), weight_infos(network))
        compiler = Compiler(self.spec, network, target(self.target, self.costs), 0, seed=self.seed)
        engine = Engine(made, dict(first), self.device, self.threads)
        return Version(self.spec, compiler, made, engine)

    def _version(
        self, spec: Spec, state: Mapping[str, Array], weighed: Weighed | None = None
    ) -> Version:
        """A version with a state, or the first state where it has only weights."""
        compiler = Compiler.of(spec, self.target, costs=self.costs, internal=self.internal)
        compiler.seed = self.seed
        compiler.weighed = weighed or {}
        made = bundle(compiler)
        weights = {w.name: state[w.name] for w in made.weights}
        whole = made.initial_state(weights) | dict(state)
        engine = Engine(made, whole, self.device, self.threads)
        return Version(spec, compiler, made, engine, _lengths(spec))

    def use(self, shapes: Sequence[Sequence[int]]) -> None:
        """Take up the version for inputs of these shapes, batch first.

        Raises:
            DataError: a shape has another number of axes than its input.
            SpecError, CompileError: the spec does not resolve or compile for them.
        """
        wanted = closed(self.spec, shapes)
        # The latest with these lengths, so that steps with weights of positions follow each other.
        found = next((v for v in reversed(self._made) if v.lengths == _lengths(wanted)), None)
        self._take_up(found, wanted)

    def weigh(self, weighed: Weighed) -> None:
        """Take up a version for sample weights with these axes behind the batch's.

        Weights without such axes fit every version: they are spread.

        Raises:
            SpecError: a loss or metric has no place for them.
        """
        if self.now.takes(weighed):
            return
        # What is at work may already have weights of other outputs to come.
        wanted = {**self.now.compiler.weighed, **weighed}
        alike = (v for v in self._made if v.lengths == self.now.lengths and v.takes(wanted))
        self._take_up(next(alike, None), self.now.spec, wanted)

    def _take_up(self, found: Version | None, spec: Spec, weighed: Weighed | None = None) -> None:
        """Let a version go on from the state as it stands; a new one where there is none."""
        state = self.now.engine.state()
        if found is None:
            found = self._version(spec, state, weighed)
        elif found is not self.now:
            found.engine.replace(state)
        self._made = [*(v for v in self._made if v is not found), found][-MOST:]
        self.now = found

    @contextmanager
    def training(self) -> Generator[None]:
        """What is at work trains: it goes on from where it is whatever `aside` takes up."""
        self._training = self.now
        try:
            yield
        finally:
            self._training = None

    @contextmanager
    def aside(self) -> Generator[None]:
        """Other versions can be taken up, as by a callback; then what trains is at work again."""
        try:
            yield
        finally:
            if self._training is not None:
                self._take_up(self._training, self._training.spec)

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


def _lengths(spec: Spec) -> tuple[Shape, ...]:
    return tuple(given.layer.shape for given in spec.model.inputs)
