"""Training steps and inference of one spec, as the targets lower it, on noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from specc.artifacts import Compiled, compiled
from specc.bench.timing import Times, alternate
from specc.compiler.bundle import baked
from specc.compiler.program import Port
from specc.engine import Engine
from specc.errors import RunError
from specc.network import Network
from specc.session import Runner
from specc.spec.model import Spec
from specc.targets.blocks import InternalOps
from specc.targets.costs import KernelCosts
from specc.tensors import Sym

Array: TypeAlias = npt.NDArray[Any]
# How the served model is called among the targets: weights inside, always lowered as `portable`.
SERVED = "model.onnx"
# How long a candidate works in each of its turns, at least.
TURN_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to lower the spec; `train` and `infer` are None where it has no such program."""

    name: str
    train: Times | None
    infer: Times | None

    def to_dict(self) -> dict[str, Any]:
        """In milliseconds."""
        pairs = (("train", self.train), ("infer", self.infer))
        return {"target": self.name} | {
            name: None if times is None else times.to_dict() for name, times in pairs
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """The candidates' times.

    Attributes:
        changed: whether the machine's costs choose other graphs than the fixed ones, which are
            then a candidate; None where no costs are known.
    """

    candidates: list[Candidate]
    changed: bool | None


def compare(
    spec: Spec,
    network: Network,
    batch: int,
    costs: KernelCosts | None = None,
    threads: int | None = None,
    rounds: int = 5,
    internal: InternalOps | None = None,
) -> Comparison:
    """Times of one batch on the CPU, for each target; for what `costs` choose where that differs.

    `internal` operators are a candidate more, where they are of use.

    Raises:
        SpecError, CompileError: the spec does not compile.
        RunError: its programs take another number of samples.
    """
    made = {"cpu": compiled(spec, "cpu"), "portable": compiled(spec, "portable")}
    changed = None
    if costs is not None:
        chosen = compiled(spec, "cpu", costs=costs)
        changed = _models(chosen) != _models(made["cpu"])
        made |= {"cpu, calibrated": chosen} if changed else {}
    if internal is not None:
        allowed = compiled(_in_batches(spec, batch), "cpu", internal=internal)
        made |= {"cpu, internal": allowed} if allowed.bundle.internal is not None else {}
    fixed = made["cpu"].bundle.batch
    if fixed not in {None, batch}:
        raise RunError(f"batch: expected {fixed}, the number that the spec fixes, received {batch}")
    served = Runner(baked(spec, made["cpu"].weights), threads=threads)
    feeds = _feeds(made["cpu"], network, batch)
    calls: dict[tuple[str, str], Callable[[], object]] = {}
    for name, each in made.items():
        if "train" in each.bundle.programs:
            calls[name, "train"] = _step(each, feeds, threads)
        calls[name, "infer"] = _inference(each, feeds, threads)
    names = [port.name for port in made["cpu"].bundle.inputs]
    inputs = {name: feeds[name] for name in names}
    calls[SERVED, "infer"] = lambda: served.run(inputs)
    times = dict(zip(calls, alternate(list(calls.values()), rounds, TURN_SECONDS), strict=True))
    return Comparison(
        [
            Candidate(name, times.get((name, "train")), times[name, "infer"])
            for name in (*made, SERVED)
        ],
        changed,
    )


def _in_batches(spec: Spec, size: int) -> Spec:
    """The spec with another batch size."""
    if spec.train is None:
        return spec
    train = spec.train.model_copy(update={"batch_size": size})
    return Spec(spec.model, spec.models, train, spec.data, spec.version, spec.file)


def _models(made: Compiled) -> dict[str, bytes]:
    return {name: program.model for name, program in made.bundle.programs.items()}


def _step(made: Compiled, feeds: Mapping[str, Array], threads: int | None) -> Callable[[], object]:
    bundle = made.bundle
    state = {**bundle.initial_state(made.weights), **made.weights}
    engine = Engine(bundle, state, "cpu", threads)
    wanted = {p.name for p in bundle.programs["train"].inputs if p.role != "state"}
    batch = {name: array for name, array in feeds.items() if name in wanted}
    return lambda: engine.step(batch)


def _inference(
    made: Compiled, feeds: Mapping[str, Array], threads: int | None
) -> Callable[[], object]:
    """The graph that takes weights as inputs; the served one has them inside."""
    bundle = made.bundle
    program = bundle.programs["infer"]
    packed = bundle.state.pack({**bundle.initial_state(made.weights), **made.weights})
    runner = Runner(program, threads=threads)
    given = {p.name: packed[p.name] if p.role == "state" else feeds[p.name] for p in program.inputs}
    return lambda: runner.run(given)


def _feeds(made: Compiled, network: Network, batch: int) -> dict[str, Array]:
    """Noise for every input, target and sample weight, drawn from a fixed seed."""
    rng = np.random.default_rng(0)
    below = _vocabularies(network)
    feeds = {p.name: _noise(rng, p, batch, below.get(p.name)) for p in made.bundle.inputs}
    for each in made.bundle.targets:
        feeds[each.port.name] = _noise(rng, each.port, batch, each.classes)
        feeds[each.weight.name] = np.ones(_shape(each.weight, batch), np.dtype(each.weight.dtype))
    return feeds


def _vocabularies(network: Network) -> dict[str, int]:
    """How many ids an input may hold: rows of the embedding that reads it."""
    found: dict[str, int] = {}
    for call in network.calls:
        rows = getattr(call.node.layer, "input_dim", None)
        for ref in call.inputs if isinstance(rows, int) else ():
            if ref is not None:
                found[ref.call.node.name] = int(rows or 0)
    return found


def _noise(rng: np.random.Generator, port: Port, batch: int, below: int | None) -> Array:
    shape = _shape(port, batch)
    if port.dtype == "string":
        return np.full(shape, "", object)
    if port.dtype.startswith("float"):
        drawn = rng.random(shape) if below is None else rng.integers(0, below, shape)
    else:
        drawn = rng.integers(0, below or 2, shape)
    return drawn.astype(np.dtype(port.dtype))


def _shape(port: Port, batch: int) -> tuple[int, ...]:
    return tuple(d.factor * batch if isinstance(d, Sym) else d for d in port.shape)
