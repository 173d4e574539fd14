"""One model out of its keys: the whole spec's, or one of `models:`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from specc.errors import Place
from specc.spec import forms
from specc.spec.blocks import Block
from specc.spec.expansion import Expander
from specc.spec.inputs import read_inputs
from specc.spec.model import Entry, InputSpec, ModelSpec, Reference
from specc.spec.names import Frame
from specc.spec.nodes import Fields, Items, Node, Scalar, kind_of
from specc.spec.problems import Problems

KEYS = ("kind", "trainable", "inputs", "layers", "outputs")
KINDS = ("sequential", "functional")


def read_model(
    name: str,
    keys: Mapping[str, Node],
    place: Place,
    path: str,
    blocks: Mapping[str, Block],
    models: Mapping[str, object],
    problems: Problems,
) -> ModelSpec:
    """A model. What is wrong goes to `problems`; the result is then of no use.

    Raises:
        SpecError: it expands to too many layers.
    """
    below = path + "." if path else ""
    inputs = _inputs(keys.get("inputs"), place, f"{below}inputs", problems)
    layers = keys.get("layers")
    nodes = layers.items if isinstance(layers, Items) else []
    if not nodes:
        at, found = (place, "none") if layers is None else (layers.place, kind_of(layers))
        found = "an empty list" if isinstance(layers, Items) else found
        wanted = "expected a list of entries, each beginning with `- `"
        problems.add(at, f"{below}layers", f"{wanted}, found {found}")
    before = len(problems)
    expander = Expander(inputs, blocks, models, problems)
    frame = expander.expand(nodes, f"{below}layers")
    outputs = _outputs(
        keys.get("outputs"),
        layers.place if layers else place,
        expander,
        frame,
        f"{below}outputs",
        problems,
    )
    if len(problems) == before:
        _all_read(expander.entries, outputs, problems)
    kind = keys.get("kind")
    frozen = keys.get("trainable")
    word = None if kind is None else forms.word(kind, KINDS, f"{below}kind", problems)
    return ModelSpec(
        name=name,
        inputs=inputs,
        entries=tuple(expander.entries),
        outputs=outputs,
        kind=cast('Literal["sequential", "functional"] | None', word),
        trainable=frozen is None or forms.flag(frozen, f"{below}trainable", problems) is not False,
        place=place,
    )


def _inputs(
    node: Node | None, place: Place, path: str, problems: Problems
) -> tuple[InputSpec, ...]:
    if node is None:
        problems.add(place, "", f"missing key {path.rpartition('.')[2]!r}: names and shapes")
        return ()
    found = read_inputs(node, path, problems)
    return tuple(InputSpec(name, layer, key.place) for name, layer, key in found)


def _outputs(
    node: Node | None,
    place: Place,
    expander: Expander,
    frame: Frame,
    path: str,
    problems: Problems,
) -> tuple[Reference, ...]:
    """The references; empty when they are just the last entry."""
    last = (Reference(expander.entries[-1].name),) if expander.entries else ()
    if node is None:
        outputs = expander.outputs((), frame, path)
        if not outputs and isinstance(frame.last, str) and last:
            problems.add(place, path, frame.last.replace("`inputs:`", "`outputs:`"))
        return () if outputs == last else outputs
    if isinstance(node, Fields) or (isinstance(node, Items) and not node.items):
        found = "an empty list" if isinstance(node, Items) else kind_of(node)
        problems.add(node.place, path, f"expected a name or a list of names, found {found}")
        return ()
    return expander.outputs([item for _, item in forms.several(node)], frame, path)


def _all_read(entries: list[Entry], outputs: tuple[Reference, ...], problems: Problems) -> None:
    """An entry that nothing reads is a forgotten output, or a slip."""
    read = {output.name for output in outputs} or {entry.name for entry in entries[-1:]}
    above = None
    for entry in entries:
        if entry.inputs is not None or entry.arguments:
            read |= {ref.name for ref in (*(entry.inputs or ()), *entry.arguments.values())}
        elif above is not None:
            read.add(above.name)
        above = entry
    for entry in entries:
        if entry.name not in read:
            message = f"nothing reads {entry.name!r}; list it in `outputs:`, or remove it"
            problems.add(entry.place, entry.path, message)


def read_models(node: Node | None, problems: Problems) -> dict[str, tuple[Scalar, Node]]:
    """The named sub-models of `models:`, not yet read: their names must be known first."""
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return {}
    if not isinstance(node, Fields):
        message = f"expected a mapping from names to models, found {kind_of(node)}"
        problems.add(node.place, "models", message)
        return {}
    found: dict[str, tuple[Scalar, Node]] = {}
    for key, body in node:
        name = forms.name(key, f"models.{key.value}", problems)
        if name is not None:
            found[name] = (key, body)
    return found
