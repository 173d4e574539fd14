"""What is said of names in specs agrees with what specs accept."""

from __future__ import annotations

import json

import pytest

from specc.app.describe import PLURALS
from specc.errors import SpeccError
from specc.family import Member
from specc.layer import Layer
from specc.reference import described, families, find, members, sections
from specc.reference.values import values
from specc.spec.reader import loads
from tests.app.console import invoke

CLASSES = [kind for kinds in members().values() for kind in kinds]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.family_name}.{kind.key}")
def test_every_field_is_told(kind):
    told = described(kind)
    assert told.text
    every = (*told.fields, *told.shared)
    assert {field.name for field in every} == set(kind.model_fields)
    for field in every:
        assert (field.default is None) == kind.model_fields[field.name].is_required()
        assert field.text, field.name
        assert "anything" not in field.values, field


def test_families_are_those_of_the_language():
    every = families()
    assert list(every) == [*PLURALS.values()] or set(every) == {*PLURALS.values()}
    known = {family.family_name for family in Member.__subclasses__()} - {"preparation"}
    assert known | {"layer", "activation"} == set(every)
    assert len(every["layer"]) == len(Layer.kinds())
    assert all(kind.text for kinds in every.values() for kind in kinds)


def test_a_default_as_it_is_written_means_the_default():
    conv = {field.name: field.default for field in find("conv2d")[0].fields}
    head = "specc: 1\ninputs: {x: [8, 8, 3]}\nlayers:\n  - conv2d: {filters: 2, kernel_size: 3"
    said = "".join(f", {n}: {default}" for n, default in conv.items() if default is not None)
    plain, written = loads(f"{head}}}"), loads(f"{head}{said}}}")
    assert plain.model.entries[0].layer == written.model.entries[0].layer


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer", "exclusiveMinimum": 0}, "whole number > 0"),
        ({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, "number >= 0 and < 1"),
        ({"type": "integer", "maximum": 2**63 - 1}, "whole number <= 9223372036854775807"),
        ({"enum": ["valid", "same", "causal"]}, "valid, same or causal"),
        ({"const": False}, "false"),
        ({"anyOf": [{"type": "null"}, {"x-family": "loss"}]}, "loss or null"),
        ({"type": ["number", "null"]}, "number or null"),
        ({"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 2,
          "maxItems": 2}, "list of 2 whole numbers >= 1"),
        ({"type": "array", "items": {"type": "array", "items": {"x-family": "metric"}}},
         "list of lists of metrics"),
        ({"type": "object", "additionalProperties": {"type": "string"}},
         "mapping from a name to text"),
        ({"$ref": "#/$defs/a"}, "true or false"),
    ],
)  # fmt: skip
def test_values_in_words(schema, expected):
    assert values(schema, {"a": {"type": "boolean"}}) == expected


def test_a_name_of_several_families():
    assert [kind.family for kind in find("cosine_similarity")] == ["loss", "metric"]
    assert [kind.name for kind in find("mse")] == ["mean_squared_error", "mean_squared_error"]
    assert find("swish")[0].name == "silu"
    assert [section.name for section in sections()] == ["train", "data"]
    with pytest.raises(SpeccError, match="did you mean 'batch_normalization'"):
        find("batch_normalisation")
    with pytest.raises(SpeccError, match="did you mean 'epochs'"):  # which `holders` knows
        find("epocs")


def test_the_command():
    text = invoke("describe", "conv2d").stdout
    assert text.startswith("layer conv2d, also called convolution2d\n\nactivation(x * W + b) over")
    assert "kernel_size: whole number >= 1 or list of 2 whole numbers >= 1; must be given\n" in text
    assert text.index("bias_constraint: ") < text.index("trainable: ")  # what all have comes last
    listed = invoke("describe", "losses").stdout
    assert all(f"{kind.name} " in listed for kind in families()["loss"])
    counts = json.loads(invoke("describe", "--json").stdout)
    assert counts["layer"] == len(Layer.kinds())
    fields = json.loads(invoke("describe", "adam", "--json").stdout)[0]["fields"]
    assert [field["name"] for field in fields][:3] == ["beta_1", "beta_2", "epsilon"]
    assert "learning_rate" in [field["name"] for field in fields]
    assert json.loads(invoke("describe", "optimizers", "--json").stdout)[0]["family"] == "optimizer"
    (epochs,) = json.loads(invoke("describe", "epochs", "--json").stdout)
    assert (epochs["of"], epochs["default"]) == (["train"], "1")
    text = invoke("describe", "patience").stdout
    assert "Of early_stopping." in text
    assert "Of reduce_lr_on_plateau." in text
    result = invoke("describe", "adm")
    assert result.exit_code == 2
    assert "did you mean 'adam'" in result.stderr
