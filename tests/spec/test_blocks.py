"""Blocks, repeats and arguments, compared with the same graph written out by hand."""

import pytest

from tests.spec.reading import problems, read, rows

RESIDUAL = """
blocks:
  residual:
    args: {filters: null, kernel: 3}
    layers:
      - conv2d: {filters: "${filters}", kernel_size: "${kernel}", padding: same}
        name: body
      - batch_normalization
      - add:
        inputs: [batch_normalization, input]
"""


TWO = "blocks: {b: {layers: [flatten, dense: 1], outputs: [flatten, dense]}}\n"


def test_a_block_is_the_entries_in_it():
    spec = read(
        RESIDUAL
        + """
layers:
  - conv2d: {filters: 4, kernel_size: 1}
  - residual: 4
  - residual: {filters: 4, kernel: 5}
    name: second
  - flatten
"""
    )
    by_hand = read("""
layers:
  - conv2d: {filters: 4, kernel_size: 1}
  - conv2d: {filters: 4, kernel_size: 3, padding: same}
    name: residual/body
  - batch_normalization:
    name: residual/batch_normalization
  - add:
    name: residual/add
    inputs: [residual/batch_normalization, conv2d]
  - conv2d: {filters: 4, kernel_size: 5, padding: same}
    name: second/body
  - batch_normalization:
    name: second/batch_normalization
  - add:
    name: second/add
    inputs: [second/batch_normalization, residual/add]
  - flatten
""")
    assert spec == by_hand
    assert [entry.path for entry in spec.model.entries][:3] == [
        "layers[0]", "layers[1].residual[0]", "layers[1].residual[1]",
    ]  # fmt: skip


def test_a_repeat_is_a_chain_that_counts():
    spec = read(
        RESIDUAL
        + """
layers:
  - dense: "${2 * (i + 1)}"
    repeat: 3
  - dense: 1
    name: d${i}
    repeat: 2
  - residual: {filters: 1, kernel: "${i + 1}"}
    repeat: 2
    name: stage
  - add:
    inputs: [stage, stage_0, dense_1, stage_0/body]
"""
    )
    found = rows(spec)
    assert found[:5] == [
        ("dense", None, {"dense": {"units": 2}}),
        ("dense_1", None, {"dense": {"units": 4}}),
        ("dense_2", None, {"dense": {"units": 6}}),
        ("d0", None, {"dense": {"units": 1}}),
        ("d1", None, {"dense": {"units": 1}}),
    ]
    assert [name for name, _, _ in found[5:8]] == [
        "stage_0/body", "stage_0/batch_normalization", "stage_0/add",
    ]  # fmt: skip
    assert found[8][2]["conv2d"]["kernel_size"] == 2
    assert found[-1][1] == ["stage_1/add", "stage_0/add", "dense_1", "stage_0/body"]
    assert spec.model.entries[8].path == "layers[2](i=1).residual[0]"


def test_no_repeat_at_all_passes_the_input_on():
    spec = read("layers:\n  - flatten\n  - dense: 3\n    repeat: 0\n    name: a\n  - dense: 2\n"
                "  - add:\n    inputs: [a, dense]\n")  # fmt: skip
    assert rows(spec)[1:] == [
        ("dense", None, {"dense": {"units": 2}}),
        ("add", ["flatten", "dense"], "add"),
    ]


def test_several_inputs_and_outputs():
    spec = read("""
blocks:
  both:
    inputs: [a, b]
    args: [units]
    layers:
      - dense: ${units}
        inputs: b
      - add:
        inputs: [dense, a]
    outputs: [add, dense]
layers:
  - flatten
  - dense: 3
  - both: 5
    inputs: {b: flatten, a: dense}
  - both: {units: 6}
    inputs: [both, "both[1]"]
    name: z
outputs: ["z[1]", z]
""")
    assert [row[:2] for row in rows(spec)[2:]] == [
        ("both/dense", ["flatten"]), ("both/add", ["both/dense", "dense"]),
        ("z/dense", ["both/dense"]), ("z/add", ["z/dense", "both/add"]),
    ]  # fmt: skip
    assert [ref.name for ref in spec.model.outputs] == ["z/dense", "z/add"]


def test_blocks_in_blocks_and_shared_layers_in_them():
    spec = read("""
models: {m: {inputs: {y: [8, 8, 3]}, layers: [identity]}}
blocks:
  inner:
    args: {act: relu, n: 3, half: "${n // 2}"}
    layers:
      - activation: ${act}
      - dense: ${half + 1}
        name: d
        repeat: "${n - 1}"
  outer:
    layers:
      - inner: {act: tanh}
      - call: m
      - dense: 3
      - call: dense
layers: [outer]
""")
    assert rows(spec) == [
        ("outer/inner/activation", None, {"activation": {"activation": "tanh"}}),
        ("outer/inner/d_0", None, {"dense": {"units": 2}}),
        ("outer/inner/d_1", None, {"dense": {"units": 2}}),
        ("outer/m", None, "call m"),
        ("outer/dense", None, {"dense": {"units": 3}}),
        ("outer/dense@1", None, "call outer/dense"),
    ]


def test_a_first_entry_keeps_the_reference_that_was_written():
    spec = read("blocks: {b: {layers: [flatten]}}\nlayers:\n  - dense: 3\n    name: a\n"
                "  - b:\n    inputs: a\n  - b\n")  # fmt: skip
    assert [row[1] for row in rows(spec)] == [None, ["a"], None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RESIDUAL + "layers: [residual]", "13:10: layers[0].residual: missing argument 'filters'"),
        (RESIDUAL + "layers: [{residual: {filter: 3}}]",
         "unknown argument 'filter' of block 'residual'; did you mean 'filters'?"),
        (RESIDUAL + 'layers: [{residual: {filters: "${f}"}}]', "'f' is not known here"),
        (RESIDUAL + "layers: [{residual: x}]",
         "8:27: layers[0].residual[0].conv2d.filters: expected an integer, found 'x'"),
        (RESIDUAL + "layers: [{residual: 3, inputs: [x, x]}]",
         "block 'residual' takes 1 input (input), received 2"),
        (RESIDUAL + "layers: [{residual: 3, inputs: {z: x}}]", "received z"),
        (RESIDUAL + "layers: [{residual: 3}, {dense: 3, inputs: body}]",
         "nothing is called 'body'; valid: residual, x"),
        (RESIDUAL + "layers: [{residual: 3}, {call: residual}]", "'residual' is no layer: blocks"),
        ("blocks: {b: {layers: [{dense: 2, inputs: x}]}}\nlayers: [b]",
         "nothing is called 'x' inside block 'b'; it sees its inputs and own names only"),
        ("blocks: {b: {layers: [c]}, c: {layers: [b]}}\nlayers: [b]",
         "block 'b' contains itself: b -> c -> b"),
        ("blocks: {b: {layers: [b]}}\nlayers: [flatten, b]", "block 'b' contains itself: b -> b"),
        ("blocks: {b: {layers: [flattn]}}\nlayers: [flatten]",
         "3:23: blocks.b.layers[0]: unknown layer 'flattn'; did you mean 'flatten'?"),
        ("blocks: {b: {}}\nlayers: [b]", "blocks.b.layers: expected a list of entries, found none"),
        ("blocks: {b: {layers: 3, lyers: 2}}\nlayers: [flatten]", "unknown key 'lyers'; did you"),
        ("blocks: {dense: {layers: [flatten]}}\nlayers: [flatten]", "'dense' is a layer already"),
        ("blocks: {repeat: {layers: [flatten]}}\nlayers: [flatten]", "a key of entries already"),
        ("blocks: [b]\nlayers: [flatten]", "a mapping from names to blocks, found a list"),
        ("blocks: {3: {layers: [flatten]}}\nlayers: [flatten]", "a name, found 3; quote it"),
        ("blocks: {b: {args: [i], layers: [flatten]}}\nlayers: [b]", "argument 'i': its name"),
        ("blocks: {b: {args: [a b], layers: [flatten]}}\nlayers: [b]", "argument 'a b': its name"),
        ("blocks: {b: {args: [a, a], layers: [flatten]}}\nlayers: [b: 1]", "'a' stands twice"),
        ("blocks: {b: {args: 3, layers: [flatten]}}\nlayers: [b]", "a list of names, or a mapping"),
        ("blocks: {b: {args: [[a]], layers: [flatten]}}\nlayers: [b]", "a name, found a list"),
        ("blocks: {b: {layers: [flatten]}}\nlayers: [b: 3]", "block 'b' takes no arguments"),
        ("blocks: {b: {layers: [flatten]}}\nlayers: [b: {a: 3}]", "of block 'b'; it takes none"),
        ("blocks: {b: {layers: [flatten], outputs: y}}\nlayers: [b]",
         "blocks.b.outputs: nothing is called 'y' inside block 'b'"),
        ("blocks: {b: {inputs: [p, q], layers: [flatten]}}\nlayers: [{b: , inputs: [x, x]}]",
         "block 'b' has 2 inputs; choose with `inputs:` (p, q)"),
        (TWO + "layers: [b, dense: 3]", "choose with `inputs:`, b or b[1]"),
        (TWO + "layers: [b]",
         "outputs: 'b' above has several outputs; choose with `outputs:`, b or b[1]"),
        ("blocks: {b: {layers: [flatten]}}\nlayers: [b, {dense: 2, inputs: 'b[1]'}]",
         "b[1] does not exist: it has 1 output"),
        ("layers: [{dense: 2, repeat: -1}]", "layers[0].repeat: expected an integer from 0"),
        ("layers: [{dense: 2, repeat: 1.5}]", "expected an integer from 0 to 100000, found 1.5"),
        ("layers: [{dense: 2, repeat: 100000}, flatten]", "more than 100000 layers once"),
        ("layers: [{add: , inputs: [x, x], repeat: 2}]", "it cannot have several inputs"),
        ("layers: [{dense: 2, name: a, repeat: 2}, {dense: 2, name: a_1}]",
         "the name 'a_1' is taken in line 3"),
        ("blocks: {b: {layers: [flatten]}}\nlayers: [{dense: 2, name: b/flatten}, b]",
         "the name 'b/flatten' is taken; names in a block begin with the block's"),
    ],
)  # fmt: skip
def test_problems(text, message):
    found = problems(text)
    assert any(message in problem for problem in found), found


def test_a_broken_block_is_reported_once_however_often_it_is_used():
    text = "blocks: {b: {layers: [{dense: 2.5}]}}\nlayers:\n  - b:\n    repeat: 50\n  - b\n"
    (found,) = problems(text)
    assert found == "3:31: layers[0](i=0).b[0].dense: expected an integer, found 2.5"


def test_deep_blocks_are_refused():
    blocks = "\n".join(f"  b{i}: {{layers: [b{i + 1}]}}" for i in range(100))
    text = f"blocks:\n{blocks}\n  b100: {{layers: [flatten]}}\nlayers: [b0]\n"
    assert "blocks are nested deeper than 40 levels" in problems(text)[0]
