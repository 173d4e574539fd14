"""Operations of `keras.ops` in functional models: config and call arguments become fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from pydantic import ValidationError

from specc.errors import nearest
from specc.family import snake_case
from specc.keras_import.nodes import History, KerasCall, history_of, tensors_in
from specc.keras_import.objects import ARRAYS, Objects, config_of, is_object
from specc.keras_import.refused import reason
from specc.keras_import.source import Json
from specc.layers import Layer
from specc.layers.operations import Operation

MODULES = ("keras.src.ops.", "keras.ops.")


def is_operation(config: Json) -> bool:
    """Whether an entry of a functional model is a function of `keras.ops`."""
    return str(config.get("module") or "").startswith(MODULES)


def operation(
    objects: Objects, config: Json, call: KerasCall, name: str
) -> tuple[Operation, tuple[History, ...]] | None:
    """The operation that a call makes and the tensors that enter; None when it cannot be said."""
    class_name = str(config["class_name"])
    kind = Layer.named(Operation.key_prefix + snake_case(class_name))
    if kind is None or not issubclass(kind, Operation):
        why = reason("operation", class_name)
        if why is not None:
            objects.wrong(name, why)
            return None
        known = {kind.__name__ for kind in Layer.kinds().values() if issubclass(kind, Operation)}
        module = str(config["module"]).replace(".src.", ".")
        hint = nearest(class_name, known)
        objects.wrong(name, f"the operation {class_name} of {module} is not supported;{hint}")
        return None
    before = len(objects.problems)
    fields = objects.fields(kind, config_of(config), name)
    tensors = _bind(objects, kind, call, fields, name)
    if len(objects.problems) > before:
        return None
    try:
        return kind.model_validate(fields), tensors
    except ValidationError as error:
        for detail in error.errors():
            where = ".".join(map(str, detail["loc"]))
            objects.wrong(name, f"{where}: {detail['msg']}" if where else detail["msg"])
    return None


def _bind(
    objects: Objects, kind: type[Operation], call: KerasCall, fields: dict[str, object], name: str
) -> tuple[History, ...]:
    """Tensors in the order of the operands; constants go to `fields`."""
    given = dict(zip(kind.operands, call.args, strict=False)) | dict(call.kwargs)
    if kind.listed or not kind.operands:
        values = [*call.args, *call.kwargs.values()]
        items = [item for value in values for item in _items(value)]
        if any(history_of(item) is None for item in items):
            objects.wrong(name, f"a constant among the tensors of {kind.key} is not supported")
        return tuple(tensors_in(items))
    tensors: list[History] = []
    for key in sorted(given, key=lambda key: _position(kind, key)):
        value = given[key]
        history = history_of(value)
        field = kind.renamed.get(key, key)
        if history is not None and key in kind.operands:
            tensors.append(history)
        elif history is not None or tensors_in(value):
            objects.wrong(name, f"a tensor as {key} is not supported")
        elif field in kind.model_fields:
            if value is not None:
                fields[field] = _constant(value, index=field == "index")
        elif value is not None:
            objects.wrong(name, f"{key}: {value!r} is not supported")
    if len(call.args) > len(kind.operands):
        objects.wrong(name, f"takes {len(kind.operands)} operands, not {len(call.args)}")
    return tuple(tensors)


def _items(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _position(kind: type[Operation], key: str) -> int:
    return kind.operands.index(key) if key in kind.operands else len(kind.operands)


def _constant(value: object, *, index: bool) -> object:
    """A plain value; what stands in brackets becomes its text."""
    if index:
        parts = cast("Sequence[object]", value) if isinstance(value, list) else [value]
        return ", ".join(map(_bracket, parts))
    if is_object(value) and value["class_name"] in ARRAYS:
        config = config_of(value)
        return config.get("value", config.get("items"))
    return value


def _bracket(part: object) -> str:
    """One entry of an index: `0`, `1:3`, `...`, `None`."""
    if not is_object(part):
        return str(part)
    if part["class_name"] == "__ellipsis__":
        return "..."
    if part["class_name"] != "__slice__":
        return str(part["class_name"])  # no index: the field's check names it
    bounds = cast("Mapping[str, object]", part["config"])
    texts = ["" if bounds[key] is None else str(bounds[key]) for key in ("start", "stop", "step")]
    return ":".join(texts if texts[2] else texts[:2])
