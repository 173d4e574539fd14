"""From a spec to a network: names become calls, shapes are inferred, weights declared.

Every problem is collected; a layer whose inputs failed is skipped, so nothing is reported twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from specc.errors import InternalError, SpecError, nearest
from specc.layer import InputLayer
from specc.network.applied import called_model
from specc.network.freezing import frozen
from specc.network.graph import Network, Node
from specc.network.model import ModelBuilder
from specc.network.objectives import objectives
from specc.network.ports import NAMES, PREFIXES, is_taken
from specc.optimizers.multi import MultiOptimizer
from specc.spec.model import ModelSpec, Spec, check_spec
from specc.spec.problems import Problems


def build(spec: Spec) -> Network:
    """The network of a spec, with every shape and weight.

    Raises:
        SpecError: names, shapes, sizes, or losses that do not fit; all of them, with their places.
    """
    check_spec(spec)
    library = Library(frozen(spec))
    network = library.main()
    problems = library.problems
    if network is not None:
        _check_names(network, problems)
        _check_inputs(network, problems)
        _check_batch(network, spec, problems)
        _check_optimizer(network, spec, problems)
    if network is not None and spec.train is not None:
        try:
            objectives(network, spec.train, spec.place)
        except SpecError as error:
            for problem in error.problems:
                problems.add(problem.place, problem.path, problem.message)
    problems.check()
    if network is None:
        raise InternalError(f"{spec.name!r} has neither a network nor a problem")
    return network


def _check_names(network: Network, problems: Problems) -> None:
    """Report weights of one name: `a/b` in a block and `b` in the sub-model `a` may clash."""
    known: dict[str, Node] = {}
    for _, node in network.walk():
        held = () if node.inner is not None else (*node.weights, *node.states)
        for weight in held:
            if known.setdefault(weight.name, node) is not node:
                message = f"a second weight is called {weight.name!r}; rename a layer or model"
                problems.add(node.place, node.path, message)


def _check_inputs(network: Network, problems: Problems) -> None:
    """Report inputs whose names compiled graphs need for themselves."""
    for ref in network.inputs:
        node = ref.call.node
        if is_taken(node.name):
            message = (
                f"an input cannot be called {node.name!r}: compiled graphs use this name;"
                f" taken are {', '.join(sorted(NAMES))} and what starts with {', '.join(PREFIXES)}"
            )
            problems.add(node.place, node.path, message)


def _check_batch(network: Network, spec: Spec, problems: Problems) -> None:
    """Report batch sizes that differ: those of inputs, and that of training."""
    size = network.batch
    if size is None:
        return
    for node in network.entrances:
        if isinstance(node.layer, InputLayer) and node.layer.batch not in (None, size):
            message = f"expected batch {size}, as another input has it, found {node.layer.batch}"
            problems.add(node.place, node.path, message)
    if spec.train is not None and spec.train.batch_size != size:
        found = spec.train.batch_size
        message = f"expected {size}, the batch of the inputs, found {found}; write it"
        problems.add(spec.place("train.batch_size"), "train.batch_size", message)


def _check_optimizer(network: Network, spec: Spec, problems: Problems) -> None:
    """Report names and patterns of an optimizer's map that mean no weight, or the same one."""
    optimizer = None if spec.train is None else spec.train.optimizer
    if not isinstance(optimizer, MultiOptimizer):
        return
    names = [weight.name for weight in network.weights if weight.trainable]
    place, path = spec.place("train.optimizer"), "train.optimizer.multi_optimizer"
    for pattern in optimizer.optimizer_map:
        if pattern not in names and not any(re.fullmatch(pattern, name) for name in names):
            message = f"expected the name of a trained weight, found {pattern!r};"
            problems.add(place, f"{path}.optimizer_map", message + nearest(pattern, names))
    for name in names:
        try:
            optimizer.rule_of(name)
        except ValueError as error:
            problems.add(place, f"{path}.optimizer_map", f"expected one rule for each: {error}")


@dataclass(slots=True)
class _Progress:
    """A sub-model while it is built, and then what became of it."""

    network: Network | None = None
    open: bool = True


class Library:
    """The sub-models of a spec, each built once, when it is first called."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.problems = Problems()
        self._built: dict[str, _Progress] = {}
        self._frozen = _frozen(spec)

    def main(self) -> Network | None:
        """The whole model; None when a problem prevented it."""
        network = self._build(self.spec.model, "", frozen=not self.spec.model.trainable)
        for key in self.spec.models:
            self.find(key)
        return network

    def __contains__(self, key: str) -> bool:
        return key in self.spec.models

    def keys(self) -> Sequence[str]:
        """Names of all sub-models."""
        return list(self.spec.models)

    def find(self, key: str) -> Network | None:
        """The sub-model called `key`; None when it is broken, and then the problem is recorded."""
        if key in self._built:
            progress = self._built[key]
            if progress.open:
                model = self.spec.models[key]
                message = f"sub-model {key!r} contains itself"
                self.problems.add(model.place, f"models.{key}", message)
                progress.open = False
            return progress.network
        progress = self._built[key] = _Progress()
        progress.network = self._build(self.spec.models[key], f"{key}/", frozen=key in self._frozen)
        progress.open = False
        return progress.network

    def _build(self, model: ModelSpec, prefix: str, *, frozen: bool) -> Network | None:
        return ModelBuilder(model, self, prefix, frozen=frozen).network()


def _frozen(spec: Spec) -> set[str]:
    """Sub-models that training leaves alone: frozen themselves, or inside what is frozen."""
    frozen = {key for key, model in spec.models.items() if not model.trainable}
    for model in (spec.model, *spec.models.values()):
        for entry in model.entries:
            if entry.layer is not None and not entry.layer.trainable:
                frozen |= {called_model(entry) or ""} & set(spec.models)
    open_ = [spec.models[key] for key in frozen]
    if not spec.model.trainable:
        open_.append(spec.model)
    while open_:
        called = {called_model(entry) for entry in open_.pop().entries}
        for key, model in spec.models.items():
            if key in called and key not in frozen:
                frozen.add(key)
                open_.append(model)
    return frozen
