"""Writes a `Spec` as a person would: short forms, names and inputs only where they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from specc.errors import Place, Problem, SpecError
from specc.family import Member, snake_case
from specc.layer import InputLayer
from specc.spec.data import DataSpec
from specc.spec.fmt import layout
from specc.spec.forms import name_problem
from specc.spec.model import LANGUAGE, Entry, ModelSpec, Reference, Spec
from specc.spec.names import Frame, Known
from specc.spec.nodes import Fields, node_of
from specc.spec.train import TrainSpec

# A name that is taken, whatever it means.
_ANY = Known(())
# Names settle in two or three rounds; after so many all are written.
ROUNDS = 10


def dump(spec: Spec, *, resolved: bool = False) -> str:
    """The YAML text of a spec; `loads` of it gives `simplified(spec)`.

    `resolved` shows every name, and every field of layers, loss, optimizer and data.

    Raises:
        SpecError: names of a model that was not read from a spec cannot stand in one.
    """
    spec = simplified(spec)
    if wrong := [*_unwritable(spec)]:
        raise SpecError(wrong)
    keys: dict[str, object] = {"specc": LANGUAGE, "name": spec.model.name}
    keys |= _model(spec.model, spec.models, resolved=resolved)
    if spec.models:
        keys["models"] = {
            name: _model(model, {}, resolved=resolved, name=name)
            for name, model in spec.models.items()
        }
    if spec.train is not None:
        keys["train"] = _train(spec.train, resolved=resolved)
    if spec.data is not None:
        keys["data"] = _data(spec.data, resolved=resolved)
    tree = node_of(keys)
    return layout(tree) if isinstance(tree, Fields) else ""


def _unwritable(spec: Spec) -> Iterator[Problem]:
    """Names that a spec cannot hold: Keras allows more of them."""
    for model in (spec.model, *spec.models.values()):
        for part in (model, *model.inputs, *model.entries):
            if message := name_problem(part.name):
                advice = "call it something else to write a spec"
                yield Problem(part.place, part.name, f"{message}; {advice}")


def _data(data: DataSpec, *, resolved: bool) -> dict[str, object]:
    keys: dict[str, object] = {"dataset": _member(data.dataset, resolved=resolved)}
    if data.split is not None:
        keys["split"] = _member(data.split, resolved=resolved)
    if data.balance is not None:
        keys["balance"] = data.balance
    return keys


def simplified(spec: Spec) -> Spec:
    """The same spec without inputs and outputs that say only what is meant anyway."""
    several = {name for name, model in spec.models.items() if len(model.outputs) > 1}
    models = {name: _chained(model, several) for name, model in spec.models.items()}
    return replace(spec, model=_chained(spec.model, several), models=models)


def _chained(model: ModelSpec, several: set[str]) -> ModelSpec:
    """Inputs that are just the entry above become None; so does an output that is the last entry.

    The entry above must have one output, or `None` would be ambiguous.
    """
    numbered = {ref.name for entry in model.entries for ref in _read(entry) if ref.output}
    entries: list[Entry] = []
    above = model.inputs[0].name if len(model.inputs) == 1 else None
    for entry in model.entries:
        if above is not None and entry.inputs == (Reference(above),) and not entry.arguments:
            entry = replace(entry, inputs=None)  # noqa: PLW2901
        entries.append(entry)
        ambiguous = entry.name in numbered or _many_outputs(entry, several)
        above = None if ambiguous else entry.name
    plain = above is not None and model.outputs == (Reference(above),)
    return replace(model, entries=tuple(entries), outputs=() if plain else model.outputs)


def _read(entry: Entry) -> Sequence[Reference]:
    return (*(entry.inputs or ()), *entry.arguments.values())


def _many_outputs(entry: Entry, several: set[str]) -> bool:
    """Whether an entry may have more than one output, as far as that shows without shapes."""
    states = bool(getattr(entry.layer, "return_state", False))
    parts = entry.layer is not None and entry.layer.several_outputs
    return states or parts or bool(entry.flags) or entry.call in several


def _model(
    model: ModelSpec, models: Mapping[str, object], *, resolved: bool, name: str = ""
) -> dict[str, object]:
    """The keys of a model but its name; a sub-model called otherwise than its key keeps it."""
    keys: dict[str, object] = {}
    if name and model.name != name:
        keys["name"] = model.name
    if model.kind is not None:
        keys["kind"] = model.kind
    if not model.trainable:
        keys["trainable"] = False
    keys["inputs"] = {item.name: _input(item.layer) for item in model.inputs}
    every = {entry.name for entry in model.entries}
    written = every if resolved else _needed_names(model, models)
    keys["layers"] = [_entry(entry, written, resolved=resolved) for entry in model.entries]
    if model.outputs:
        outputs = [_reference(ref) for ref in model.outputs]
        keys["outputs"] = outputs if len(outputs) > 1 else outputs[0]
    return keys


def _input(layer: InputLayer) -> object:
    """The shape alone, or with an element type or batch size that is not the default."""
    if layer.dtype == "float32" and layer.batch is None:
        return layer.shape
    keys: dict[str, object] = {"shape": layer.shape}
    if layer.dtype != "float32":
        keys["dtype"] = layer.dtype
    if layer.batch is not None:
        keys["batch"] = layer.batch
    return keys


def _entry(entry: Entry, written: set[str], *, resolved: bool) -> object:
    keys: dict[str, object] = {}
    if entry.layer is None:
        keys["call"] = {entry.call: entry.flags} if entry.flags else entry.call
    else:
        form = _member(entry.layer, resolved=resolved)
        keys = {form: None} if isinstance(form, str) else dict(form)
        if entry.flags:
            keys["call"] = entry.flags
    if entry.name in written:
        keys["name"] = entry.name
    if entry.arguments:
        keys["inputs"] = {name: _reference(ref) for name, ref in entry.arguments.items()}
    elif entry.inputs is not None:
        inputs = [_reference(ref) for ref in entry.inputs]
        keys["inputs"] = inputs if len(inputs) != 1 else inputs[0]
    return keys


def _reference(ref: Reference) -> str:
    return f"{ref.name}[{ref.output}]" if ref.output else ref.name


def _needed_names(model: ModelSpec, models: Mapping[str, object]) -> set[str]:
    """Names that must be written: those that references use, and those that are not automatic."""
    used = {ref.name for entry in model.entries for ref in _read(entry)}
    used |= {ref.name for ref in model.outputs} | {entry.call or "" for entry in model.entries}
    written = {entry.name for entry in model.entries} & (used - {*models})
    for _ in range(ROUNDS):
        more = _not_automatic(model, models, written)
        if not more:
            return written
        written |= more
    return {entry.name for entry in model.entries}


def _not_automatic(model: ModelSpec, models: Mapping[str, object], written: set[str]) -> set[str]:
    """Names that a reader would not give by itself when only `written` ones stand there."""
    frame = Frame("", {}, "", reserved={name: (0, Place()) for name in written})
    frame.known |= {item.name: _ANY for item in model.inputs}
    wrong: set[str] = set()
    for entry in model.entries:
        if entry.name in written:
            continue
        if entry.layer is None:
            base, sign, taken = entry.call or "", "@", ()
        else:
            base, sign, taken = snake_case(entry.layer.type_name()), "_", models
        count = frame.counts[base + sign]
        if frame.automatic(base, taken, sign) != entry.name:
            wrong.add(entry.name)
            frame.counts[base + sign] = count  # a written name uses up no number
        frame.known[entry.name] = _ANY
    return wrong


def _member(member: Member, *, resolved: bool) -> Any:  # noqa: ANN401 - a name or a mapping
    return member.full() if resolved else member.written()


def _train(train: TrainSpec, *, resolved: bool) -> dict[str, object]:
    """The section; loss and optimizer are always shown."""
    keys: dict[str, object] = train.model_dump(exclude_defaults=not resolved)
    if train.loss is not None:
        keys = {"loss": None, **keys}
    keys["optimizer"] = None
    order = [name for name in TrainSpec.model_fields if name in keys]
    return {name: _written(getattr(train, name), resolved=resolved) for name in order}


def _written(value: object, *, resolved: bool) -> object:
    """A field's value with the members in it written out."""
    if isinstance(value, Member):
        return _member(value, resolved=resolved)
    if isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
        return [_written(item, resolved=resolved) for item in items]
    if isinstance(value, dict):
        mapping = cast("Mapping[object, object]", value)
        return {key: _written(item, resolved=resolved) for key, item in mapping.items()}
    return value
