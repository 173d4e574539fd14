"""The JSON Schema against what the reader takes. jsonschema is the validator."""

import json

import pytest
from jsonschema import Draft202012Validator

from specc.docs import field_docs
from specc.layers import Layer
from specc.spec.document import read
from specc.spec.nodes import plain
from specc.spec.problems import Problems
from specc.spec.reader import load
from specc.spec.schema import json_schema
from specc.spec.starter import starter
from specc.spec.write import dump
from tests.spec.reading import HEAD
from tests.spec.test_write import SPECS
from tests.spec.texts import spec_text

SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def data(text):
    """A text as JSON has it: all keys are strings."""
    node = read(text, "", Problems())
    assert node is not None
    return json.loads(json.dumps(plain(node)))


def valid(text):
    return VALIDATOR.is_valid(data(text))


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)
    assert "x-family" not in json.dumps(SCHEMA)
    text = json.dumps(SCHEMA)
    for name in SCHEMA["$defs"]:
        assert f'"#/$defs/{name}' in text, f"{name} is not used"


@pytest.mark.parametrize("name", SPECS)
def test_the_example_specs_are_valid(name):
    path = f"specs/{name}.yaml"
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        VALIDATOR.validate(data(file.read()))
    VALIDATOR.validate(data(dump(load(path))))
    VALIDATOR.validate(data(dump(load(path), resolved=True)))


def test_the_starter_is_valid():
    VALIDATOR.validate(data(starter()))


@pytest.mark.parametrize("seed", range(20))
def test_random_valid_specs_are_valid(seed):
    VALIDATOR.validate(data(spec_text(seed)))


@pytest.mark.parametrize(
    "text",
    [
        "layers: [flattn]",
        "layers: [dense]",
        "layers: [{dense: {unit: 3}}]",
        "layers: [{dense: {units: 3, activation: rel}}]",
        "layers: [{dense: {units: 3, use_bias: yes}}]",
        "layers: [{dense: {units: '3'}}]",
        "layers: [{dense: {units: 0}}]",
        "layers: [{dense: abc}]",
        "layers: [{dense: {units: 3, kernel_regularizer: l3}}]",
        "layers: [{dense: {units: 3, kernel_regularizer: {l2: {l3: 1}}}}]",
        "layers: [{dense: 3, nam: a}]",
        "layers: [{conv2d: {filters: 3, kernel_size: [3, 3, 3]}}]",
        "layers: [{conv2d: {filters: 3, kernel_size: 3, padding: sam}}]",
        "layers: [{flatten: , inputs: 3}]",
        "layers: [{flatten: , repeat: -1}]",
        "layers: []",
        "layers: [flatten]\nlayrs: 3",
        "layers: [flatten]\nkind: seq",
        "layers: [flatten]\ntrain: {epoch: 3}",
        "layers: [flatten]\ntrain: {loss: mse2}",
        "layers: [flatten]\ntrain: {optimizer: {adam: {beta: 1}}}",
        "layers: [flatten]\ntrain: {epochs: 2.5}",
        "layers: [flatten]\ndata: {dataset: mnits}",
        "layers: [flatten]\ndata: {npz: {}}",
        "layers: [flatten]\nmodels: {m: {layers: [flatten]}}",
        "layers: [flatten]\nmodels: {m: {inputs: {x: 2}, layers: [flattn]}}",
        "layers: [flatten]\nblocks: {b: {lyers: [flatten]}}",
        "layers: [{flatten: 3, dense: 3, name: a, inputs: b, call: c, repeat: 2}]",
    ],
)
def test_mistakes_are_invalid(text):
    assert valid(HEAD + "layers: [flatten]")
    assert not valid(HEAD + text)


@pytest.mark.parametrize(
    "head",
    [
        "inputs: {x: 2}\n",
        "specc: 2\ninputs: {x: 2}\n",
        "specc: 1\n",
        "specc: 1\ninputs: {x: a}\n",
        "specc: 1\ninputs: [2]\n",
    ],
)
def test_mistakes_in_the_head_are_invalid(head):
    assert not valid(head + "layers: [flatten]")


def test_expressions_stand_where_values_do():
    body = (
        'conv2d: {filters: "${f}", kernel_size: ["${k}", 3], use_bias: "${k > 1}", padding: "${p}"}'
    )
    assert valid(HEAD + f"layers: [{{{body}}}]")
    assert not valid(HEAD + 'layers: [flatten]\ntrain: {epochs: "${e}"}')


def test_editors_see_what_fields_mean():
    conv = SCHEMA["$defs"]["layer.conv2d"]
    assert conv["description"].endswith(".")
    docs = field_docs(Layer.find("conv2d"))
    assert {n: field["description"] for n, field in conv["properties"].items()} == docs
    assert conv["properties"]["kernel_initializer"]["default"] == "glorot_uniform"
    assert all(
        "description" in value for value in SCHEMA["properties"]["train"]["properties"].values()
    )
