"""The `inputs:` section: names, shapes without the batch axis, element types.

inputs: {image: [28, 28, 1]}
inputs: {tokens: {shape: [null], dtype: int32}}     null: a length that is open
"""

from __future__ import annotations

from typing import cast, get_args

from specc.layer import InputLayer
from specc.spec import forms
from specc.spec.nodes import Fields, Items, Node, Scalar, kind_of
from specc.spec.problems import Problems
from specc.tensors import DType, Shape

KEYS = ("shape", "dtype", "batch")
LONGEST_AXIS = 2**31 - 1
MOST_AXES = 8


def read_inputs(node: Node, path: str, problems: Problems) -> list[tuple[str, InputLayer, Scalar]]:
    """(name, layer, key) of every input, in order."""
    if not isinstance(node, Fields) or not node.pairs:
        wanted = "a mapping from names to shapes, like {image: [28, 28, 1]}"
        problems.add(node.place, path, f"expected {wanted}, found {kind_of(node)}")
        return []
    found: list[tuple[str, InputLayer, Scalar]] = []
    for key, value in node:
        where = f"{path}.{key.value}"
        name = forms.name(key, where, problems)
        layer = _input(value, where, problems)
        if name is not None:
            found.append((name, layer, key))
    return found


def _input(node: Node, path: str, problems: Problems) -> InputLayer:
    """One input; a wrong one counts as a scalar so that reading can go on."""
    if not isinstance(node, Fields):
        return InputLayer(_shape(node, path, problems))
    parts = forms.fields(node, KEYS, path, problems, "a shape")
    if "shape" not in parts:
        problems.add(node.place, path, "missing key 'shape'")
        return InputLayer(())
    shape = _shape(parts["shape"], f"{path}.shape", problems)
    dtype = "float32"
    if "dtype" in parts:
        dtype = forms.word(parts["dtype"], get_args(DType), f"{path}.dtype", problems) or dtype
    batch = None
    if "batch" in parts:
        batch = forms.count(parts["batch"], 1, LONGEST_AXIS, f"{path}.batch", problems)
    return InputLayer(shape, cast("DType", dtype), batch)


def _shape(node: Node, path: str, problems: Problems) -> Shape:
    """A list of lengths, null where one is open; a single length for one axis."""
    if isinstance(node, Scalar) and node.value is None:
        problems.add(node.place, path, "expected a shape like [28, 28, 1], found an empty value")
        return ()
    parts = forms.several(node)
    if isinstance(node, Fields) or len(parts) > MOST_AXES:
        found = kind_of(node) if isinstance(node, Fields) else f"{len(parts)} axes"
        wanted = f"a shape of at most {MOST_AXES} axes like [28, 28, 1], without the batch"
        problems.add(node.place, path, f"expected {wanted}, found {found}")
        return ()
    return tuple(_length(item, path + part, problems) for part, item in parts)


def _length(node: Node, path: str, problems: Problems) -> int | None:
    if isinstance(node, Scalar) and node.value is None:
        return None
    if isinstance(node, Items):
        problems.add(node.place, path, "expected a length, found a list; a shape is one flat list")
        return None
    return forms.count(node, 1, LONGEST_AXIS, path, problems)
