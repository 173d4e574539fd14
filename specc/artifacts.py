"""Files of a compiled model: ONNX graphs, first state, and the manifest that explains them.

A runner in any language needs only these. Nothing in them depends on paths, time or machine: the
same spec, versions and options give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from specc.checkpoint import dump as dump_tensors
from specc.checkpoint import load as load_tensors
from specc.compiler.bundle import (
    FULL,
    Bundle,
    TargetInfo,
    WeightInfo,
    baked,
    bundle,
    initial_weights,
)
from specc.compiler.compiler import Compiler
from specc.compiler.objective import targets
from specc.compiler.program import Port, Program
from specc.compiler.state import Array, Element, StateMap, StateTensor
from specc.data.preparation import Preparation
from specc.errors import CompileError, RunError
from specc.files import replace
from specc.onnx_api import ONNX_VERSION, domains
from specc.spec.model import Spec
from specc.spec.write import dump as dump_spec
from specc.targets.blocks import InternalOps
from specc.targets.costs import KernelCosts
from specc.targets.storage import Storage
from specc.tensors import Dim, Dims, Sym
from specc.version import __version__

MANIFEST, STATE, MODEL = "manifest.json", "state.safetensors", "model.onnx"
# Raised when the manifest's structure changes.
FORMAT = 1
_MAX_MANIFEST_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled spec with the weights that it starts from."""

    spec: Spec
    bundle: Bundle
    weights: Mapping[str, Array]
    seed: int

    def write(self, folder: Path) -> None:
        """Graphs, first state and manifest, into `folder` (made if absent).

        Raises:
            RunError: there is a file in its place.
        """
        if folder.exists() and not folder.is_dir():
            raise RunError(f"{folder}: expected a folder, found a file; choose another")
        folder.mkdir(parents=True, exist_ok=True)
        write_bundle(folder, self.bundle, self.spec, self.seed)
        named = {**self.bundle.initial_state(self.weights), **self.weights}
        replace(folder / STATE, dump_tensors(named, {"step": 0}))


def compiled(
    spec: Spec,
    target: str = "portable",
    opset: int | None = None,
    weights: Path | Mapping[str, Array] | None = None,
    costs: KernelCosts | None = None,
    internal: InternalOps | None = None,
    *,
    weighs: bool = True,
) -> Compiled:
    """A spec compiled, with weights drawn from its seed, read from a safetensors file, or given.

    Where nobody `weighs` samples, metrics count as Keras' do without sample weights.

    Raises:
        SpecError, CompileError: the spec does not compile.
        RunError: the weights do not fit.
    """
    compiler = Compiler.of(spec, target, opset, costs=costs, internal=internal)
    if not weighs:
        compiler.weighed = {each.output: None for each in targets(compiler.objectives)}
    made = bundle(compiler)
    if weights is None:
        first = initial_weights(compiler.network, compiler.seed)
    else:
        named = _of_model(made, weights) if isinstance(weights, Path) else weights
        first = made.check_weights(named)
    return Compiled(spec, made, first, compiler.seed)


def _of_model(made: Bundle, file: Path) -> dict[str, Array]:
    """What a safetensors file holds, but for the state of training that stands in a checkpoint."""
    own = {w.name for w in made.weights}
    states = {e.name for tensor in made.state.tensors for e in tensor.elements} - own
    return {name: x for name, x in load_tensors(file)[0].items() if name not in states}


def write_compiled(
    folder: Path,
    spec: Spec,
    target: str = "portable",
    opset: int | None = None,
    weights: Path | Mapping[str, Array] | None = None,
    costs: KernelCosts | None = None,
    internal: InternalOps | None = None,
) -> Bundle:
    """Compile a spec into `folder`: graphs, first state, manifest, the model that starts from it.

    `weights` are named, or a safetensors file of them; without any they are drawn from the seed.

    Raises:
        SpecError, CompileError: the spec does not compile.
        RunError: the weights do not fit.
    """
    made = compiled(spec, target, opset, weights, costs, internal)
    made.write(folder)
    write_model(folder / MODEL, spec, made.weights, opset)
    return made.bundle


@dataclass(frozen=True, slots=True)
class Known:
    """What the data told about a model, without which its outputs mean little.

    Attributes:
        classes: names of the classes.
        learned: vocabularies and the like, as JSON holds them.
        preparations: what the model does to raw inputs, by input.
    """

    classes: Sequence[str] | None = None
    learned: Mapping[str, Any] | None = None
    preparations: Mapping[str, Preparation] = field(default_factory=dict[str, Preparation])


def write_model(
    path: Path,
    spec: Spec,
    weights: Mapping[str, Array],
    opset: int | None = None,
    known: Known | None = None,
) -> None:
    """The inference graph with its weights inside; what the data told goes into its metadata."""
    metadata = {"specc": __version__, "spec_sha256": spec_hash(spec)}
    known = known or Known()
    if known.classes:
        metadata["classes"] = json.dumps(list(known.classes), ensure_ascii=False)
    if known.learned:
        metadata["learned"] = json.dumps(known.learned, ensure_ascii=False)
    replace(path, baked(spec, weights, opset, metadata, known.preparations).model)


def spec_hash(spec: Spec) -> str:
    """SHA-256 of the spec as it is written with all its defaults."""
    return hashlib.sha256(dump_spec(spec, resolved=True).encode()).hexdigest()


def write_bundle(folder: Path, made: Bundle, spec: Spec, seed: int) -> None:
    """Graphs and manifest; the manifest last, since it names the others."""
    files: dict[str, Any] = {}
    for name, program in made.programs.items():
        file = f"{name}.onnx"
        replace(folder / file, program.model)
        files[name] = {
            "name": program.name,
            "file": file,
            "sha256": hashlib.sha256(program.model).hexdigest(),
            "nodes": dict(program.nodes),
            "inputs": [_port(p) for p in program.inputs],
            "outputs": [_port(p) for p in program.outputs],
        }
    manifest = {
        "format": FORMAT,
        "name": made.name,
        "spec_sha256": spec_hash(spec),
        "versions": {"specc": __version__, "onnx": ONNX_VERSION},
        "target": made.target,
        "opset": made.opset,
        **({} if made.costs is None else {"costs": _costs(made.costs)}),
        **({} if made.internal is None else {"internal": _internal(made, made.internal)}),
        "seed": seed,
        "learning_rate": made.rate,
        "averaged": made.averaged,
        "logs": list(made.logs),
        "programs": files,
        "weights": [
            {"name": w.name, "shape": list(w.shape), "dtype": w.dtype, "trainable": w.trainable}
            for w in made.weights
        ],
        "targets": [
            {"output": t.output, "input": t.port.name, "weight": t.weight.name,
             "classes": t.classes}
            for t in made.targets
        ],
        "state": [_tensor(t) for t in made.state.tensors],
    }  # fmt: skip
    replace(folder / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())


def _costs(costs: KernelCosts) -> dict[str, Any]:
    return {"sha256": costs.sha256, "values": costs.to_dict()}


def read_costs(folder: Path, manifest: Mapping[str, Any]) -> KernelCosts | None:
    """The calibration that the model in `folder` was compiled with, if any.

    Raises:
        RunError: it is damaged.
    """
    if "costs" not in manifest:
        return None
    try:
        costs = KernelCosts.of(manifest["costs"]["values"])
    except (KeyError, TypeError, CompileError) as error:
        raise RunError(f"{folder / MANIFEST}: the costs are damaged ({error})") from error
    if manifest["costs"].get("sha256") != costs.sha256:
        raise RunError(f"{folder / MANIFEST}: the costs are not those of their hash")
    return costs


def _internal(made: Bundle, ops: InternalOps) -> dict[str, Any]:
    """Which internal operators there are, by domain, and whose they are."""
    names = sorted({op for program in made.programs.values() for op in program.nodes if ":" in op})
    return {
        **ops.to_dict(),
        "opsets": dict.fromkeys(domains(names), 1),
        "operators": names,
    }


def read_internal(folder: Path, manifest: Mapping[str, Any]) -> InternalOps | None:
    """Whose internal operators the model in `folder` was compiled with, if any.

    Raises:
        RunError: it does not say.
    """
    if "internal" not in manifest and FULL not in manifest.get("programs", {}):
        return None
    try:
        return InternalOps.of(manifest.get("internal"))
    except CompileError as error:
        raise RunError(f"{folder / MANIFEST}: damaged ({error})") from error


def _port(port: Port) -> dict[str, Any]:
    shape = [str(d) if isinstance(d, Sym) else d for d in port.shape]
    entry: dict[str, Any] = {
        "name": port.name, "dtype": port.dtype, "shape": shape, "role": port.role,
    }  # fmt: skip
    return entry if port.feeds is None else entry | {"feeds": port.feeds}


def _tensor(tensor: StateTensor) -> dict[str, Any]:
    return {
        "tensor": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "start": tensor.start,
        "elements": [
            {"name": e.name, "offset": e.offset, "shape": list(e.shape),
             "storage": {"shape": list(e.storage.shape), "order": list(e.storage.order)}}
            for e in tensor.elements
        ],
    }  # fmt: skip


def read_bundle(folder: Path) -> tuple[Bundle, dict[str, Any]]:
    """The programs of a compiled folder as they were written, and the manifest; nothing recompiles.

    Raises:
        RunError: a file is missing, damaged, or of another format.
    """
    manifest = read_manifest(folder)
    try:
        programs = {name: _program(folder, entry) for name, entry in manifest["programs"].items()}
        ports = {p.name: p for program in programs.values() for p in program.inputs}
        made = Bundle(
            manifest["name"],
            manifest["target"],
            manifest["opset"],
            programs,
            StateMap(tuple(_read_tensor(t) for t in manifest["state"])),
            tuple(
                WeightInfo(w["name"], tuple(w["shape"]), w["dtype"], w["trainable"])
                for w in manifest["weights"]
            ),
            tuple(
                TargetInfo(t["output"], ports[t["input"]], ports[t["weight"]], t["classes"])
                for t in manifest["targets"]
            ),
            tuple(manifest["logs"]),
            manifest["learning_rate"],
            manifest["averaged"],
            read_costs(folder, manifest),
            internal=read_internal(folder, manifest),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"{folder / MANIFEST}: the manifest is damaged ({error!r})") from error
    return made, manifest


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a compiled folder.

    Raises:
        RunError: there is none, or it cannot be read.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise RunError(f"{folder}: expected a compiled model or a run, found no {MANIFEST}")
    if path.stat().st_size > _MAX_MANIFEST_BYTES:
        raise RunError(f"{path}: larger than {_MAX_MANIFEST_BYTES:,} bytes")
    try:
        manifest = json.loads(path.read_bytes())
    except ValueError as error:
        raise RunError(f"{path}: no JSON ({error})") from error
    if not isinstance(manifest, dict) or cast("Any", manifest).get("format") != FORMAT:
        raise RunError(f"{path}: expected manifest format {FORMAT}; compile the spec again")
    return cast("dict[str, Any]", manifest)


def _program(folder: Path, entry: Mapping[str, Any]) -> Program:
    file = Path(str(entry["file"])).name
    try:
        model = (folder / file).read_bytes()
    except OSError as error:
        raise RunError(f"{folder / file}: {error.strerror}") from error
    if hashlib.sha256(model).hexdigest() != entry["sha256"]:
        raise RunError(f"{folder / file}: not the file that the manifest describes")
    inputs, outputs = ([_read_port(p) for p in entry[k]] for k in ("inputs", "outputs"))
    return Program(entry["name"], model, tuple(inputs), tuple(outputs), entry["nodes"])


def _read_port(entry: Mapping[str, Any]) -> Port:
    return Port(
        _text(entry["name"]),
        entry["dtype"],
        _dims(entry["shape"]),
        entry["role"],
        entry.get("feeds"),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, found {value!r}")
    return value


def _lengths(value: Sequence[object]) -> tuple[int, ...]:
    if not all(isinstance(n, int) and n >= 0 for n in value):
        raise TypeError(f"expected numbers of at least 0, found {value!r}")
    return tuple(cast("Sequence[int]", value))


def _dims(shape: Sequence[int | str]) -> Dims:
    out: list[Dim] = []
    for dim in shape:
        if isinstance(dim, int):
            out.append(dim)
        else:
            factor, _, name = dim.rpartition("*")
            out.append(Sym(int(factor) if name and factor else 1))
    return tuple(out)


def _read_tensor(entry: Mapping[str, Any]) -> StateTensor:
    shape = _lengths(entry["shape"])
    elements = tuple(_read_element(e, math.prod(shape)) for e in entry["elements"])
    start = entry["start"]
    if start != "weight" and not isinstance(start, int | float):
        raise TypeError(f"expected a number or 'weight', found {start!r}")
    return StateTensor(_text(entry["tensor"]), entry["dtype"], shape, elements, start)


def _read_element(entry: Mapping[str, Any], size: int) -> Element:
    """A named array among `size` elements of a state tensor."""
    storage = Storage(_lengths(entry["storage"]["shape"]), _lengths(entry["storage"]["order"]))
    (offset,) = _lengths([entry["offset"]])
    made = Element(_text(entry["name"]), offset, _lengths(entry["shape"]), storage)
    fits = math.prod(storage.shape) == made.size and offset + made.size <= size
    if not fits or sorted(storage.order) != [*range(len(storage.shape))]:
        raise ValueError(f"{made.name} is not among {size} elements as it should")
    return made
