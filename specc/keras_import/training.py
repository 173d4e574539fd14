"""The arguments of Keras' `compile` become the `train:` section."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

import numpy as np
from pydantic import ValidationError

from specc.family import Member
from specc.keras_import.objects import Objects, config_of, is_object
from specc.keras_import.source import Json
from specc.losses import Loss
from specc.metrics import Metric
from specc.optimizers import AnyOptimizer
from specc.optimizers.loss_scale import LossScaleOptimizer
from specc.optimizers.multi import MultiOptimizer
from specc.spec.train import TrainSpec

Reader: TypeAlias = Callable[[object, str], Member | None]
PATH = "compile"
# What Keras resolves by the shapes of targets and outputs, in letters of any size.
BY_SHAPE = ("accuracy", "acc")


def train_spec(objects: Objects, config: Json, batch: int | None = None) -> TrainSpec | None:
    """The section, or None when something in it cannot be expressed; the problems have it.

    `batch` is the fixed batch size of the model, which training then has too.
    """
    read: dict[str, Callable[[object], object]] = {
        "loss": lambda value: _spread(
            lambda item, at: objects.member(Loss, item, at), value, f"{PATH}.loss"
        ),
        "loss_weights": _weights,
        "optimizer": lambda value: _optimizer(objects, value),
        "metrics": lambda value: _metrics(objects, value, f"{PATH}.metrics"),
        "weighted_metrics": lambda value: _metrics(objects, value, f"{PATH}.weighted_metrics"),
    }
    fields: dict[str, Any] = {} if batch is None else {"batch_size": batch}
    before = len(objects.problems)
    for name, part in read.items():
        if config.get(name) not in (None, []):
            fields[name] = part(config[name])
    # A part that is wrong would only be reported again, as missing or of another type.
    if len(objects.problems) > before:
        return None
    try:
        return TrainSpec.model_validate(fields)
    except ValidationError as error:
        for detail in error.errors():
            objects.wrong(f"{PATH}.{detail['loc'][0]}", detail["msg"])
        return None


def _spread(read: Reader, value: object, path: str) -> object:
    """One member, or a list or mapping of them."""
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [
            None if item is None else _spread(read, item, f"{path}[{i}]")
            for i, item in enumerate(items)
        ]
    if not isinstance(value, Mapping) or "class_name" in value:
        return read(cast("object", value), path)
    named = cast("Mapping[str, object]", value)
    return {key: _spread(read, item, f"{path}.{key}") for key, item in named.items()}


def _weights(value: object) -> object:
    return [value] if isinstance(value, int | float) else value


def _metrics(objects: Objects, value: object, path: str) -> object:
    """Metrics as `train:` writes them: a list, a list for each output, or a mapping of lists."""
    found = _spread(lambda item, at: _metric(objects, item, at), value, path)
    if isinstance(found, dict):
        named = cast("dict[str, object]", found)
        return {key: _listed(item) for key, item in named.items()}
    items = cast("list[object]", found)
    return [_listed(item) for item in items] if any(map(_is_list, items)) else items


def _metric(objects: Objects, value: object, path: str) -> Metric | None:
    """A metric; logs call one that is asked for by a name as that name is written.

    Source: keras/src/trainers/compile_utils.py, get_metric (3.15.1).
    """
    if not isinstance(value, str):
        return objects.member(Metric, value, path)
    lower = value.lower()
    metric = objects.member(Metric, lower if lower in BY_SHAPE else value, path)
    if metric is None or metric.log_name == value:
        return metric
    return metric.model_copy(update={"name": value})


def _is_list(item: object) -> bool:
    return isinstance(item, list)


def _listed(item: object) -> list[object]:
    """Metrics of one output, of which Keras lets a single one stand alone."""
    if isinstance(item, list):
        return cast("list[object]", item)
    return [] if item is None else [item]


def _optimizer(objects: Objects, value: object) -> AnyOptimizer | None:
    """The optimizer, its rate in the fewest digits that mean the same float32."""
    path = f"{PATH}.optimizer"
    if is_object(value) and value["class_name"] == "MultiOptimizer":
        value = _flattened(value)
    optimizer = objects.member(AnyOptimizer, value, path)
    return None if optimizer is None else _rounded(optimizer)


def _flattened(value: Json) -> Json:
    """A `MultiOptimizer` without the `OptimizerMap` in it."""
    config = dict(config_of(value))
    return {**value, "config": {**config, **config_of(config.pop("optimizer_map", None))}}


def _rounded(optimizer: AnyOptimizer) -> AnyOptimizer:
    if isinstance(optimizer, LossScaleOptimizer):
        inner = _rounded(optimizer.inner_optimizer)
        return optimizer.model_copy(update={"inner_optimizer": inner})
    if isinstance(optimizer, MultiOptimizer):
        inner = _rounded(optimizer.default_optimizer)
        named = {name: _rounded(each) for name, each in optimizer.optimizer_map.items()}
        return optimizer.model_copy(update={"default_optimizer": inner, "optimizer_map": named})
    rate = optimizer.rate
    if not isinstance(rate, float):
        return optimizer
    # Keras prints the float32 it holds: 0.0010000000474974513 was 0.001.
    return optimizer.model_copy(update={"learning_rate": float(str(np.float32(rate)))})
