"""Spec to programs: training step, evaluation, inference, and vector-Jacobian products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from specc import vjps as _rules
from specc.autodiff import gradients
from specc.compiler.builder import (
    Builder,
    bound,
    packed,
    state_shapes,
    stored_flat,
    weight_shapes,
    weight_vectors,
)
from specc.compiler.lowering import Flow, Forward, call_at, input_tensors, lower_network
from specc.compiler.objective import Axes, Scored, results, score
from specc.compiler.preparing import own_opset, prepared
from specc.compiler.program import Program
from specc.compiler.scaling import Scaling
from specc.compiler.state import (
    ITERATIONS,
    METRICS,
    STATES,
    STATISTICS,
    Array,
    StateMap,
    StateTensor,
    scalar,
    vector,
)
from specc.compiler.updates import Updates
from specc.data.preparation import Preparation
from specc.errors import CompileError, MissingRuleError, Problem, SpecError
from specc.graph import Value
from specc.network import Network, build
from specc.network.lengths import open_problems
from specc.network.objectives import Objective, objectives
from specc.network.ports import output_ports
from specc.primitives import Tensor, Trace, graph_input, is_float
from specc.spec.model import Spec
from specc.targets.blocks import InternalOps
from specc.targets.costs import KernelCosts
from specc.targets.layout import plain
from specc.targets.realiser import Realiser
from specc.targets.storage import Baked, Packed, Storage
from specc.targets.target import Target, target
from specc.tensors import DType
from specc.vjps.movement import zeros_like

__all__ = ["Compiler", "_rules"]


@dataclass(slots=True)
class Compiler:
    """Compiles the programs of one spec for one target; they share how weights are stored.

    Attributes:
        batch: a fixed batch size, of the spec or for targets that capture graphs; None leaves it
            open.
        seed: decides random numbers in graphs; the training seed, 0 without a `train:` section.
        storage: how each weight and state lies.
        floatx: element type of everything floating; float64 only in gradient checks.
        weighed: lengths of the axes of sample weights behind the batch's, by output; none where a
            sample has one weight, None where nobody weighs samples.
        internal: internal operators of onnxruntime that full batches may be trained with.
    """

    spec: Spec
    network: Network
    target: Target
    opset: int
    batch: int | None = None
    seed: int = 0
    storage: dict[str, Storage] = field(default_factory=dict[str, Storage])
    state: StateMap = field(default_factory=lambda: StateMap(()))
    logs: tuple[str, ...] = ()
    floatx: DType = "float32"
    weighed: Mapping[str, Axes] = field(default_factory=dict[str, Axes])
    internal: InternalOps | None = None

    @staticmethod
    def of(
        spec: Spec,
        target_name: str = "portable",
        opset: int | None = None,
        batch: int | None = None,
        costs: KernelCosts | None = None,
        internal: InternalOps | None = None,
    ) -> Compiler:
        """A compiler for a spec; `costs` are those of a calibration.

        Raises:
            SpecError: the spec does not resolve, or leaves lengths besides the batch's open.
            CompileError: an unknown target, an opset that it does not write, or costs or internal
                operators that it has no use for.
        """
        wanted = target(target_name, costs)
        if internal is not None:
            wanted.allowed(internal)
        network = build(spec)
        if problems := open_problems(network):
            raise SpecError(problems)
        least = own_opset(wanted.opset, network)
        if opset is not None and not least <= opset <= MAX_OPSET:
            texts = "" if least == wanted.opset else " for a model that reads texts"
            raise CompileError(
                f"opset {opset}: the {wanted.name} target writes {least} to {MAX_OPSET}{texts}"
            )
        seed = 0 if spec.train is None else spec.train.seed
        fixed = batch or network.batch
        # States lie the same in every program, so that one can go on where another one stopped.
        plain = {name: Storage.plain(shape) for name, shape in state_shapes(network).items()}
        return Compiler(
            spec, network, wanted, opset or least, fixed, seed, plain, internal=internal
        )

    def _builder(self) -> Builder:
        return Builder(self.target, self.storage, self.opset, self.floatx)

    def _forward(self, trace: Trace, *, training: bool, step: Tensor | None = None) -> Forward:
        return Forward(trace, training, self.seed, step)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What each output is trained for.

        Raises:
            CompileError: the spec has no `train:` section.
        """
        if self.spec.train is None:
            raise CompileError(f"{self.spec.name}: there is no `train:` section to compile")
        return objectives(self.network, self.spec.train)

    def train(self) -> Program:
        """Forward, loss, gradients and update: (state, batch) -> (state', loss, logs).

        Raises:
            CompileError: no `train:` section, or nothing to train.
            MissingRuleError: a layer's ONNX ops have no gradient rule.
        """
        train = self.spec.train
        goals = self.objectives
        trainable = [w for w in self.network.weights if w.trainable]
        if train is None or not trainable:
            raise CompileError(
                f"{self.spec.name}: expected a weight that is trained, found none; leave a "
                "layer out of train.freeze, or `trainable` true somewhere"
            )
        b, trace = self._builder(), Trace(self.floatx)
        counter = scalar(ITERATIONS, "int64")
        step = graph_input(trace, ITERATIONS, (), "int64")
        forward = self._forward(trace, training=True, step=step)
        inputs = input_tensors(self.network, trace, self.batch)
        flows = lower_network(self.network, inputs, forward)
        scored = self._scored(goals, flows, forward)
        vectors = weight_vectors(self.network, self.storage)
        source = packed(b, vectors)
        b.state(counter)
        b.declare([*inputs, scored.loss, *scored.adds.values(), *scored.given])
        realiser = b.realiser(source)
        made = realiser.realise(
            [scored.loss, *forward.updates.values(), *scored.adds.values()], self.target.planner
        )
        loss = made[0].value
        self._store_unused(realiser)
        parts = {w.name: source.parts[w.name] for w in trainable}
        scaling = Scaling(b, train.optimizer)
        found = self._gradients(b, [(loss, scaling.seed(loss))], list(parts.values()))
        whole = [
            zeros_like(b.graph, p) if g is None else g
            for g, p in zip(found, parts.values(), strict=True)
        ]
        grads = dict(zip(parts, scaling.unscaled(whole), strict=True))
        vectors = weight_vectors(self.network, self.storage)
        trained = [v for v in vectors if v.trains]
        updates = Updates.of(
            b, realiser, trace, train.optimizer, trainable, trained, step, scaling.finite
        )
        flats = {v.name: self._moved(b, v, forward, realiser, source) for v in trained}
        with b.graph.scope("update"):
            new = updates.apply(flats, grads)
            for held in updates.vectors:
                b.next(held, new[held.name])
            updates.go_on(counter)
            scaling.advance(realiser, trace)
        for held in vectors:
            if not held.trains:
                b.next(held, self._moved(b, held, forward, realiser, source))
        b.output("loss", loss, "loss")
        metrics = self._metrics(b, realiser, trace, scored)
        states = [*vectors, *updates.tensors(), *scaling.tensors(), counter]
        states += [] if updates.rate is None else [updates.rate]
        self.state = StateMap((*states, metrics))
        return b.program(f"{self.spec.name}_train", {})

    def _scored(
        self, goals: Sequence[Objective], flows: Sequence[Flow], forward: Forward
    ) -> Scored:
        """Loss and metrics; what fits no mask and no weights is told with its place."""
        try:
            return score(self.network, goals, flows, forward, self.batch, self.weighed)
        except SpecError as error:
            found = [replace(each, place=self.spec.place(each.path)) for each in error.problems]
            raise SpecError(found) from None

    def _gradients(
        self, b: Builder, seeds: Sequence[tuple[Value, Value]], wanted: Sequence[Value]
    ) -> list[Value | None]:
        """`gradients`; where a rule is missing, the error says where the layer stands."""
        try:
            return gradients(b.graph, seeds, wanted)
        except MissingRuleError as error:
            call = call_at(self.network, error.scope)
            if call is None:
                raise
            problem = Problem(call.place, call.path, str(error))
            raise MissingRuleError(str(problem), error.scope) from None

    def _store_unused(self, realiser: Realiser) -> None:
        """Fix the storage of weights that no op asked for, and make sure all parts exist."""
        for trainable in (True, False):
            for name, shape in weight_shapes(self.network, trainable=trainable).items():
                self.storage.setdefault(name, Storage.plain(shape))
        for name in self.storage:
            realiser.source.flat(realiser.graph, name, self.storage)

    def _moved(
        self,
        b: Builder,
        held: StateTensor,
        forward: Forward,
        realiser: Realiser,
        source: Packed,
    ) -> Value:
        """A vector of weights with those that layers assign as the layers want them."""
        if not any(e.name in forward.updates for e in held.elements):
            return b.state(held)
        rows: list[Value] = []
        for e in held.elements:
            updated = forward.updates.get(e.name)
            if updated is None:
                rows.append(source.parts[e.name])
            else:
                rows.append(stored_flat(realiser.place(updated), e.shape, e.storage))
        return rows[0] if len(rows) == 1 else b.graph.op("Concat", *rows, axis=0)

    def _states(self, forward: Forward) -> list[Tensor]:
        """What layers want their states to be after the batch."""
        return [forward.updates[s.name] for s in self.network.states if s.name in forward.updates]

    def _carry(
        self,
        b: Builder,
        vectors: Sequence[StateTensor],
        forward: Forward,
        realiser: Realiser,
        source: Packed,
    ) -> None:
        """The states after the batch, where they are among `vectors`."""
        for held in vectors:
            if held.name == STATES:
                b.next(held, self._moved(b, held, forward, realiser, source))

    def _metrics(self, b: Builder, r: Realiser, trace: Trace, scored: Scored) -> StateTensor:
        """Adds the batch's contributions to the metric state, and logs what they come to."""
        shapes = {row.key(n): s for row in scored.tracked for n, s in row.shapes.items()}
        held = vector(METRICS, shapes, {})
        old = b.state(held)
        adds = [plain(r.place(scored.adds[key]), shape) for key, shape in shapes.items()]
        rows = [b.graph.reshape(a, (e.size,)) for a, e in zip(adds, held.elements, strict=True)]
        with b.graph.scope("metrics"):
            new = old + b.graph.op("Concat", *rows, axis=0)
            parts = b.graph.ops(
                "Split", new, b.graph.ints(*(e.size for e in held.elements)),
                outputs=len(held.elements), axis=0,
            )  # fmt: skip
        sums = {
            e.name: bound(r, trace, part, e.shape)
            for e, part in zip(held.elements, parts, strict=True)
        }
        logs = results(scored.tracked, sums)
        for (name, tensor), made in zip(logs.items(), r.realise(list(logs.values())), strict=True):
            b.output(f"log/{name}", plain(made, tensor.shape), "log")
        b.next(held, new)
        self.logs = tuple(logs)
        return held

    def evaluate(self) -> Program:
        """Loss and metrics of a batch: (weights, metric state, batch) -> (metric state', logs)."""
        b, trace = self._builder(), Trace(self.floatx)
        forward = self._forward(trace, training=False)
        inputs = input_tensors(self.network, trace, self.batch)
        flows = lower_network(self.network, inputs, forward)
        scored = self._scored(self.objectives, flows, forward)
        vectors = weight_vectors(self.network, self.storage)
        source = packed(b, vectors)
        b.declare([*inputs, scored.loss, *scored.adds.values(), *scored.given])
        realiser = b.realiser(source, gradients=False)
        made = realiser.realise(
            [scored.loss, *scored.adds.values(), *self._states(forward)], self.target.serving
        )
        b.output("loss", made[0].value, "loss")
        self._carry(b, vectors, forward, realiser, source)
        self._metrics(b, realiser, trace, scored)
        return b.program(f"{self.spec.name}_eval", {})

    def infer(
        self,
        arrays: Mapping[str, Array] | None = None,
        metadata: Mapping[str, str] | None = None,
        preparations: Mapping[str, Preparation] | None = None,
    ) -> Program:
        """Outputs from inputs: weights are state inputs, or constants when `arrays` gives them.

        States that `arrays` lacks stay inputs, with outputs that feed them in the next run. An
        input with a preparation is computed from raw inputs, which take its place.
        """
        b, trace = self._builder(), Trace(self.floatx)
        forward = self._forward(trace, training=False)
        inputs = input_tensors(self.network, trace, self.batch)
        fed = [prepared(x, preparations or {}, self.batch) for x in inputs]
        flows = lower_network(self.network, [tensor for tensor, _ in fed], forward)
        outputs = [flow.tensor for flow in flows]
        for _, raws in fed:
            b.declare(raws)
        known = arrays or {}
        every = weight_vectors(self.network, self.storage)
        vectors = [v for v in every if any(e.name not in known for e in v.elements)]
        held = packed(b, vectors)
        realiser = b.realiser(Baked(known, held), gradients=False)
        made = realiser.realise([*outputs, *self._states(forward)], self.target.serving)
        for name, tensor, value in zip(self.output_names, outputs, made, strict=False):
            b.output(name, plain(value, tensor.shape), "output")
        self._carry(b, vectors, forward, realiser, held)
        if not self.state.tensors and arrays is None:
            self._store_unused(realiser)
            self.state = StateMap(tuple(weight_vectors(self.network, self.storage)))
        return b.program(self.spec.name, metadata or {})

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs, in their order."""
        return output_ports(self.network.output_names, self.network.input_names)

    def vjp(self, *, training: bool) -> Program:
        """Outputs, gradients of inputs and weights for given cotangents, and weights after.

        Inputs: the model's, `cotangent/<output>` for floating outputs, weights, `iterations`.
        Outputs: the model's, `grad/<input or weight>` (weights as they are stored), `next/...`.
        """
        b, trace = self._builder(), Trace(self.floatx)
        counter = scalar(ITERATIONS, "int64")
        step = graph_input(trace, ITERATIONS, (), "int64")
        forward = self._forward(trace, training=training, step=step)
        inputs = input_tensors(self.network, trace, self.batch)
        outputs = [flow.tensor for flow in lower_network(self.network, inputs, forward)]
        source = packed(b, weight_vectors(self.network, self.storage))
        b.state(counter)
        b.declare(inputs)
        realiser = b.realiser(source)
        made = realiser.realise([*outputs, *forward.updates.values()], self.target.planner)
        self._store_unused(realiser)
        seeds: list[tuple[Value, Value]] = []
        for name, tensor, value in zip(self.output_names, outputs, made, strict=False):
            y = plain(value, tensor.shape)
            b.output(name, y, "output")
            if is_float(tensor):
                given = b.input(f"cotangent/{name}", tensor.dtype, tensor.shape, "input")
                seeds.append((y, given))
        floats = [x for x in inputs if is_float(x)]
        names = list(weight_shapes(self.network, trainable=True))
        wanted = [b.inputs[x.attrs["name"]][0] for x in floats]
        wanted += [source.parts[n] for n in names]
        keys = [*(str(x.attrs["name"]) for x in floats), *names]
        for key, grad in zip(keys, self._gradients(b, seeds, wanted), strict=True):
            if grad is not None:
                b.output(f"grad/{key}", grad, "output")
        vectors = weight_vectors(self.network, self.storage)
        for held in vectors:
            if held.name == STATISTICS or any(e.name in forward.updates for e in held.elements):
                b.next(held, self._moved(b, held, forward, realiser, source))
        return b.program(f"{self.spec.name}_vjp", {})


# The newest opset whose ops this package emits unchanged.
MAX_OPSET = 23
