"""Every class that Keras makes public: it has a kind of its fields and defaults, or a reason.

Oracle: the public names of Keras 3.15.1 and the parameters of their constructors
(tests/frozen/keras_public.json).
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter

import specc.layers  # noqa: F401
from specc.constraints import Constraint
from specc.errors import SpecError
from specc.family import Member
from specc.initializers import Initializer
from specc.keras_import.nodes import KerasCall
from specc.keras_import.objects import AROUND, Objects, find
from specc.keras_import.operations import operation
from specc.keras_import.refused import REASONS, reason
from specc.layers import Layer
from specc.layers.operations import Operation
from specc.losses import Loss
from specc.metrics import Metric
from specc.optimizers import AnyOptimizer, Schedule
from specc.regularizers import Regularizer
from tests.golden import FROZEN

PUBLIC: dict[str, dict[str, Any]] = json.loads((FROZEN / "keras_public.json").read_text())
FAMILIES: dict[str, type[Member]] = {
    family.family_name: family
    for family in (
        Layer, Loss, Metric, AnyOptimizer, Schedule, Regularizer, Constraint, Initializer,
    )
}  # fmt: skip
OPERATIONS: dict[str, dict[str, str]] = PUBLIC.pop("operation")
NAMES = [(family, name) for family, names in PUBLIC.items() for name in names]
CLASSES = [(f, n) for f, n in NAMES if "class" in PUBLIC[f][n] and f != "layer"]
every_name = pytest.mark.parametrize(("family", "name"), NAMES, ids=[f"{f}-{n}" for f, n in NAMES])
every_class = pytest.mark.parametrize(
    ("family", "name"), CLASSES, ids=[f"{f}-{n}" for f, n in CLASSES]
)
# The inputs of a model are no layer here; a configuration of them becomes `inputs:`. What is around
# a function becomes the function's kind.
ELSEWHERE = {"InputLayer", *AROUND}
# Parameters that say nothing here: objects have no names but metrics, element types are float32.
NO_FIELDS = {"dtype", "name", "kwargs"}
# Fields that Keras takes in every kind of the family, or that kinds here share.
SHARED = {
    "metric": {"name"},
    "initializer": {"seed"},
    "optimizer": {
        "weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema", "ema_momentum",
        "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps",
    },
    "loss": {"reduction"},
}  # fmt: skip
# A MultiOptimizer's map stands in its own fields.
FLATTENED = {"MultiOptimizer"}
# Fields of a base that Keras fixes; lists that Keras makes of null.
BEYOND = {"OneHotIoU": {"sparse_y_true"}, "OneHotMeanIoU": {"sparse_y_true"}}
EMPTY = {"exclude_layers"}


def test_the_families_are_those_of_the_file() -> None:
    assert set(PUBLIC) == set(FAMILIES)
    assert sum(map(len, PUBLIC.values())) > 300


@every_name
def test_every_public_name_has_an_answer(family: str, name: str) -> None:
    kind = find(FAMILIES[family], name)
    why = reason(family, name)
    assert kind is not None or why is not None or name in ELSEWHERE
    if kind is None and why is not None:
        # The answer is what an import says.
        objects = Objects("")
        assert objects.member(FAMILIES[family], {"class_name": name, "config": {}}, "x") is None
        with pytest.raises(SpecError) as error:
            objects.problems.check()
        assert why in str(error.value)
        assert len(why) > len(name) + 20


def test_reasons_are_for_what_keras_has() -> None:
    for family, names in REASONS.items():
        for name in names if family in FAMILIES else ():
            assert find(FAMILIES[family], name) is None
            assert name in PUBLIC[family] or name in ("ce", "crossentropy")


def test_every_function_of_operations_has_a_kind_or_a_reason() -> None:
    kinds = {each.__name__ for each in Layer.kinds().values() if issubclass(each, Operation)}
    named = {told["class"] for told in OPERATIONS.values()}
    assert len(named) > 300
    assert named - kinds == set(REASONS["operation"])


@pytest.mark.parametrize("name", ["Inv", "Map", "Flipud"])
def test_an_operation_without_a_kind_is_told_with_its_reason(name: str) -> None:
    objects = Objects("")
    config = {"class_name": name, "module": "keras.src.ops.numpy", "config": {}}
    assert operation(objects, config, KerasCall(()), "x") is None
    with pytest.raises(SpecError) as error:
        objects.problems.check()
    assert str(error.value) == f"x: {reason('operation', name)}"


@every_class
def test_fields_and_defaults_are_keras(family: str, name: str) -> None:
    kind = find(FAMILIES[family], name)
    if kind is None or name in FLATTENED:
        return
    parameters = {key: default for key, *default in PUBLIC[family][name]["parameters"]}
    shared = SHARED.get(family, set())
    fields = {key for key in kind.model_fields if key not in shared | BEYOND.get(name, set())}
    assert fields == {key for key in parameters if key not in NO_FIELDS | shared}
    for key, default in parameters.items():
        if key in NO_FIELDS or key not in kind.model_fields:
            continue
        field = kind.model_fields[key]
        assert field.is_required() == (not default), key
        for keras in default:
            given = [] if key in EMPTY and keras is None else keras
            adapter = TypeAdapter(field.rebuild_annotation())
            own = field.get_default(call_default_factory=True)
            assert adapter.validate_python(given) == own, key
