# ruff: noqa: E501 - a message and the text that causes it stand side by side
"""Messages: where, what was expected, what was found, and what to do. All of a file in one run."""

import re

import pytest

from specc.errors import Problem, SpecError, nearest
from specc.family import Member
from specc.layers import Layer
from specc.spec.checking import EXPECTED
from specc.spec.reader import load, loads
from tests.spec.reading import HEAD, problems


def test_every_problem_of_a_file_in_one_run():
    found = problems(
        """
layers:
  - conv2d: {filtres: 8, kernel_size: [3, x]}
  - dens: 4
    name: q
  - dense: 4
    inputs: [q, missing]
outputs: nowhere
train: {epoch: 3, loss: mse2}
data: {mnsit: {}}
lyers: 3
"""
    )
    assert [re.sub(r"(;.*)? valid: .*", "", line) for line in found] == [
        "5:5: layers[0].conv2d: missing field 'filters': Number of filters: channels of the result.",
        "5:14: layers[0].conv2d.filtres: unknown field 'filtres'",
        "5:39: layers[0].conv2d.kernel_size: expected an integer of at least 1 or a list of 2, found [3, 'x']",
        "6:5: layers[1]: unknown layer 'dens'",
        "9:17: layers[2].inputs[1]: nothing is called 'missing'",
        "10:10: outputs: nothing is called 'nowhere'",
        "11:9: train.epoch: unknown field 'epoch'",
        "11:25: train.loss: unknown loss 'mse2'",
        "12:8: data.mnsit: unknown key 'mnsit'",
        "13:1: lyers: unknown key 'lyers'",
    ]


DENSE = "layers: [{dense: {units: 3, %s}}]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # Fields of layers.
        (DENSE % "unit: 3", "3:29: layers[0].dense.unit: unknown field 'unit'; did you mean 'units'? valid: activation, activity_regularizer, bias_constraint"),
        (DENSE % "activation: rel", "3:41: layers[0].dense.activation: unknown activation 'rel'; did"),
        (DENSE % "use_bias: yes", "expected true or false, found 'yes'; yes, no, on and off are text"),
        (DENSE % "use_bias: 1", "3:39: layers[0].dense.use_bias: expected true or false, found 1"),
        (DENSE % "use_bias: [1]", "expected true or false, found a list"),
        (DENSE % "kernel_regularizer: {l2: {x: 1}}",
         "3:55: layers[0].dense.kernel_regularizer.l2.x: unknown field 'x'; valid: l2"),
        (DENSE % "kernel_regularizer: {l2: '0.1'}",
         "3:54: layers[0].dense.kernel_regularizer.l2: expected a number, found '0.1'; remove the"),
        (DENSE % "kernel_regularizer: l3", "unknown regularizer 'l3'; valid: l1, l1_l2, l2"),
        (DENSE % "kernel_regularizer: 3", "expected a regularizer: `name` or `name: {field: value}`"),
        (DENSE % "kernel_regularizer: {l1: 1, l2: 2}", "found {'l1': 1, 'l2': 2}; leave one of l1, l2"),
        (DENSE % "kernel_regularizer: {l1: 1, ll2: 2}", "unknown regularizer 'll2'"),
        (DENSE % "kernel_initializer: Zeros", "unknown initializer 'Zeros'; did you mean 'zeros'?"),
        (DENSE % "name: a", "3:29: layers[0].dense.name: 'name' stands beside 'dense', not inside it"),
        (DENSE % "inputs: a", "'inputs' stands beside 'dense', not inside it"),
        ("layers: [dense: '3']", "3:17: layers[0].dense: expected a number, found '3'; remove the quo"),
        ("layers: [dense: true]", "expected a number, found true"),
        ("layers: [dense: 0]", "expected a number of more than 0, found 0"),
        ("layers: [dense: 1.5]", "expected an integer, found 1.5"),
        ("layers: [dense: abc]", "expected an integer, found 'abc'"),
        ("layers: [dense]", "3:10: layers[0].dense: missing field 'units': Length of the last axis"),
        ("layers: [dense: {}]", "3:10: layers[0].dense: missing field 'units'"),
        ("layers: [time_distributed: {layer: {call: 3}}]",
         "3:36: layers[0].time_distributed.layer: expected the name of a model, found 3"),
        ("layers: [bidirectional: {layer: {call: m}}]", "bidirectional.layer: unknown layer 'call'"),
        ("layers: [add: 3]", "3:15: layers[0].add: add takes no value"),
        ("layers: [zero_padding2d: -1]", "expected an integer of at least 0"),
        # Numbers beyond float32.
        ("layers: [dense: {units: 1, kernel_regularizer: {l2: 1.0e308}}]",
         "3:53: layers[0].dense.kernel_regularizer.l2: expected a number within float32, from -3.4e"),
        ("layers: [masking: -3.5e38]", "3:19: layers[0].masking: expected a number within float32"),
        ("layers: [normalization: {mean: [1.0, 1.0e39], variance: [1.0, 1.0]}]",
         "3:38: layers[0].normalization.mean[1]: expected a number within float32"),
        ("layers: [dense: {units: 1, activation: {leaky_relu: 1.0e300}}]",
         "activation 'leaky_relu': negative_slope: expected a number within float32"),
        ("layers: [flatten]\ntrain: {loss: [mse], loss_weights: [1.0e300]}",
         "4:37: train.loss_weights[0]: expected a number within float32"),
        ("layers: [flatten]\ntrain: {loss: mse, optimizer: {sgd: 1.0e39}}",
         "train.optimizer.sgd: expected a number within float32"),
        # Forms of entries.
        ("layers: [Conv2D: 3]", "3:10: layers[0]: unknown layer 'Conv2D'; did you mean 'conv2d'?"),
        ("layers: [ReLU]", "did you mean 're_lu'?"),
        ("layers:\n  - conv2d:\n    filters: 3", "5:5: layers[0].filters: 'filters' belongs inside"),
        ("layers:\n  - filters: 3\n    conv2d:", "4:5: layers[0].filters: 'filters' belongs inside"),
        ("layers: [{dense: 3, flatten: }]", "a second layer, 'flatten', in the entry of 'dense'"),
        ("layers: [{dense: 3, nam: q}]", "unknown key 'nam' beside 'dense'; did you mean 'name'?"),
        ("layers: [3]", "3:10: layers[0]: expected an entry, `layer` or `layer: {fields}`, found 3"),
        ("layers: [[flatten]]", "found a list"),
        ("layers: [{}]", "found an empty mapping"),
        ("layers: [{name: q}]", "names no layer; expected one of the layers or blocks beside 'name'"),
        ("layers: [{dense: 3, call: 3}]", "layers[0].call: expected a mapping of call arguments"),
        ("layers: [{dense: 3, name: 3}]", "layers[0].name: expected a name, found 3; quote it"),
        ("layers: [{dense: 3, name: }]", "expected a name, found an empty value"),
        ("layers: [{dense: 3, name: 'a[1]'}]", "a name cannot contain '['"),
        ("layers: [{dense: 3, name: ''}]", "a name cannot be empty"),
        ("layers: [{dense: 3, name: " + "a" * 201 + "}]", "a name has at most 200 characters"),
        ("layers: [{dense: 3, inputs: 3}]", "expected a name like `a` or `a[1]`, found 3"),
        ("layers: [{dense: 3, inputs: []}]", "expected a name, a list of names or a mapping, found"),
        ("layers: [{dense: 3, inputs: '[1]'}]", "expected a name like `a` or `a[1]`, found '[1]'"),
        ("layers: [{dense: '${1'}]", "3:18: layers[0].dense: '${1': ${ without its }"),
        ("layers: [dense: 3, {call: dens}]", "3:27: layers[1].call: nothing is called 'dens'; did"),
        ("layers: [dense: 3, {call: x}]", "'x' is no layer: blocks are inlined"),
        ("layers: [dense: 3, {call: [dense]}]", "layers[1].call: expected `call: name` or"),
        ("layers: [dense: 3, {call: 3}]", "expected a name, found 3; quote it"),
        ("layers: [dense: 3, {call: dense, repeat: 2}]", "a call cannot be repeated"),
        # Names and the graph.
        ("layers: [{dense: 3, name: a}, {dense: 3, name: a}]", "the name 'a' is taken in line 3"),
        ("layers: [{dense: 3, name: x}]", "the name 'x' is taken by an input"),
        ("models: {m: {inputs: {y: 2}, layers: [flatten]}}\nlayers: [{dense: 3, name: m}]",
         "the name 'm' is taken by one of models:"),
        ("layers: [{dense: 3, inputs: y}]", "3:29: layers[0].inputs: nothing is called 'y'; valid: x"),
        ("layers: [{dense: 3, inputs: 'x[1]'}]", "x[1] does not exist: it has 1 output"),
        ("layers: [{dense: 3, name: a, inputs: a}]", "a cycle: a -> a; an entry cannot read what"),
        ("layers: [{dense: 3, name: a, inputs: b}, {dense: 3, name: b}]", "a cycle: a -> b -> a"),
        ("layers: [{dense: 3, name: a, inputs: c}, {dense: 1}, {add: , name: c, inputs: [x, dense]}]",
         "'c' stands below in line 3; move it up, an entry reads only what is above it"),
        ("layers: [{dense: 3, name: a, inputs: c}, dense: 1, {dense: 1, name: c}]",
         "a cycle: a -> dense -> c -> a"),
        ("layers: [{dense: 3, name: a}, {dense: 3, inputs: x}]",
         "3:11: layers[0]: nothing reads 'a'; list it in `outputs:`, or remove it"),
        ("layers: [flatten]\noutputs: []", "outputs: expected a name or a list of names, found an"),
        ("layers: [flatten]\noutputs: {a: 3}", "expected a name or a list of names, found a mapping"),
        # Sections.
        ("layers: flatten", "3:9: layers: expected a list of entries, each beginning with `- `, found"),
        ("layers: []", "layers: expected a list of entries, each beginning with `- `, found an empty"),
        ("name: y", "1:1: layers: expected a list of entries, each beginning with `- `, found none"),
        ("layers: [flatten]\nkind: seq", "expected 'sequential' or 'functional', found 'seq'"),
        ("layers: [flatten]\ntrainable: 1", "trainable: expected true or false, found 1"),
        ("layers: [flatten]\nname: 3", "name: expected a name, found 3; quote it"),
        ("layers: [flatten]\nlayrs: 3", "4:1: layrs: unknown key 'layrs'; did you mean 'layers'?"),
        ("layers: [flatten]\nmodels: []", "models: expected a mapping from names to models, found"),
        ("layers: [flatten]\nmodels: {m: 3}", "models.m: expected a mapping with inputs, layers, out"),
        ("layers: [flatten]\nmodels: {m: {layers: [flatten]}}", "missing key 'inputs'"),
        ("layers: [flatten]\nmodels: {3: {layers: [flatten]}}", "expected a name, found 3"),
        ("layers: [flatten]\nmodels: {m: {inputs: {x: 1}, layers: [flattn]}}",
         "models.m.layers[0]: unknown layer 'flattn'"),
        # Training and data.
        ("layers: [flatten]\ntrain: 3", "4:8: train: expected a mapping, found 3"),
        ("layers: [flatten]\ntrain: {epochs: -1}", "train.epochs: expected a number of at least 0"),
        ("layers: [flatten]\ntrain: {validation_split: 1}", "expected a number of less than 1.0, found"),
        ("layers: [flatten]\ntrain: {shuffle: 'true'}", "expected true or false, found 'true'; remove"),
        ("layers: [flatten]\ntrain: {batch_size: 2.5}", "expected an integer, found 2.5"),
        ("layers: [flatten]\ntrain: {loss: 3}",
         "expected a loss: `name` or `name: {field: value}`, a list or a mapping, found 3"),
        ("layers: [flatten]\ntrain: {loss: {a: mse2}}", "train.loss.a: unknown loss 'mse2'; did"),
        ("layers: [flatten]\ntrain: {loss: {huber: {delt: 1}}}", "train.loss.huber.delt: unknown"),
        ("layers: [flatten]\ntrain: {optimizer: rmspro}", "did you mean 'rmsprop'?"),
        ("layers: [flatten]\ntrain: {optimizer: {adam: {learning_rate: x}}}",
         "train.optimizer.adam.learning_rate: expected a number, or: unknown schedule 'x'"),
        ("layers: [flatten]\ntrain: {optimizer: {adam: {learning_rate: {cosine_decay: {}}}}}",
         "train.optimizer.adam.learning_rate.cosine_decay: missing field 'initial_learning_rate'"),
        ("layers: [flatten]\ntrain: {metrics: accuracy}", "expected a list or a mapping, found"),
        ("layers: [flatten]\ntrain: {metrics: [[acuracy]]}", "train.metrics[0][0]: unknown metric"),
        ("layers: [flatten]\ntrain: {class_weight: {a: 1}}", "train.class_weight.a: expected an int"),
        ("layers: [flatten]\ndata: {dataset: mnits}", "4:17: data.dataset: unknown dataset 'mnits'"),
        ("layers: [flatten]\ndata: {npz: {paht: x}}", "data.npz.paht: unknown field 'paht'; did you"),
        ("layers: [flatten]\ndata: {npz: 3}", "data.npz: expected text, found 3"),
        ("layers: [flatten]\ndata: mnist", "4:7: data: expected a mapping, found 'mnist'"),
    ],
)  # fmt: skip
def test_messages(text, message):
    found = problems(text)
    assert any(message in problem for problem in found), found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: expected a mapping that begins with `specc: 1`, found an empty file"),
        ("- a", "expected a mapping that begins with `specc: 1`, found a list"),
        ("inputs: {x: [2]}\nlayers: [flatten]", "1:1: missing `specc: 1`, the version of the lang"),
        ("specc: 2\ninputs: {x: [2]}\nlayers: [flatten]",
         "1:8: specc: expected version 1 of the language, found 2; another version of specc wrote it"),
        ("specc: one\ninputs: {x: [2]}\nlayers: [flatten]", "found 'one'"),
        ("specc: true\ninputs: {x: [2]}\nlayers: [flatten]", "found true"),
        ("specc: 1\nlayers: [flatten]", "missing key 'inputs'"),
        ("specc: 1\ninputs: [28, 28, 1]\nlayers: [flatten]",
         "inputs: expected a mapping from names to shapes, like {image: [28, 28, 1]}, found a list"),
        ("specc: 1\ninputs: {}\nlayers: [flatten]", "expected a mapping from names to shapes"),
        ("specc: 1\ninputs: {x: }\nlayers: [flatten]", "expected a shape like [28, 28, 1], found an"),
        ("specc: 1\ninputs: {x: [0]}\nlayers: [flatten]", "2:14: inputs.x[0]: expected an integer fr"),
        ("specc: 1\ninputs: {x: [a]}\nlayers: [flatten]", "found 'a'"),
        ("specc: 1\ninputs: {x: [[1]]}\nlayers: [flatten]", "found a list; a shape is one flat list"),
        ("specc: 1\ninputs: {x: [1,1,1,1,1,1,1,1,1]}\nlayers: [flatten]", "found 9 axes"),
        ("specc: 1\ninputs: {x: {dtype: int32}}\nlayers: [flatten]", "inputs.x: missing key 'shape'"),
        ("specc: 1\ninputs: {x: {shape: [1], dtype: int3}}\nlayers: [flatten]", "found 'int3'"),
        ("specc: 1\ninputs: {x: {shape: {a: 1}}}\nlayers: [flatten]", "found a mapping"),
        ("specc: 1\ninputs: {x: {shape: [1], bacth: 3}}\nlayers: [flatten]", "did you mean 'batch'?"),
        ("specc: 1\ninputs: {x: [2], y: [2]}\nlayers: [flatten]",
         "3:10: layers[0]: the model has 2 inputs; choose with `inputs:` (x, y)"),
        ("specc: 1\ninputs: {3: [2]}\nlayers: [flatten]", "inputs.3: expected a name, found 3"),
    ],
)  # fmt: skip
def test_messages_about_the_head(text, message):
    found = problems(text, head="")
    assert any(message in problem for problem in found), found


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(SpecError, match=r"nothing\.yaml: cannot be read: No such file"):
        load(tmp_path / "nothing.yaml")
    with pytest.raises(SpecError, match="cannot be read: Is a directory"):
        load(tmp_path)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"specc: 1\n\xff")
    with pytest.raises(SpecError, match=r"binary.yaml:2:1: expected UTF-8, found byte 0xff"):
        load(binary)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (2**22 + 1))
    with pytest.raises(SpecError, match="a spec has at most"):
        load(large)


def test_an_error_carries_its_place_and_what_could_be_read():
    with pytest.raises(SpecError) as caught:
        loads(HEAD + "layers: [flatten]\ntrain: {epoch: 1}\n", "a.yaml")
    error = caught.value
    assert (error.file, error.line, error.column) == ("a.yaml", 4, 9)
    assert [entry.name for entry in error.partial.model.entries] == ["flatten"]
    with pytest.raises(SpecError) as caught:
        loads(HEAD + "layers: [flattn]\ntrain: {epoch: 1}\n", "a.yaml")
    assert caught.value.partial is None


def test_nearest_names():
    assert nearest("ReLU", ["re_lu", "elu"]) == " did you mean 're_lu'? valid: elu, re_lu"
    assert nearest("mse2", ["mean"], also=["mse"]) == " did you mean 'mse'? valid: mean"
    assert nearest("zzz", ["a"]) == " valid: a"
    assert nearest("a", []) == ""
    assert nearest("zzz", ["a" * 99]) == f" valid: {'a' * 60}..."
    assert nearest("zzz", [f"n{i}" for i in range(50)]).endswith(", ...")


def test_every_type_error_has_words_for_it():
    assert all(words for words in EXPECTED.values())
    assert str(Problem(message="m")) == "m"


def test_a_bare_member_that_needs_fields_says_so():
    with pytest.raises(ValueError, match="missing field 'units'"):
        Layer.parse("dense")
    assert issubclass(Layer, Member)
