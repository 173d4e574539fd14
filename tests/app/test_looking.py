"""check, summary, explain, costs, schema: what only looks at a spec."""

import json

import pytest

from tests.app.console import SPECS, TINY, invoke
from tests.golden import app as golden

BROKEN = """\
specc: 1
inputs: {x: [4]}
layers:
  - dense: {unit: 3}
  - conv2d: {filters: 2, kernel_size: 3}
train: {epoch: 3}
"""


def test_check_says_nothing_about_good_specs():
    specs = sorted(SPECS.glob("*.yaml"))
    assert specs
    result = invoke("check", *specs)
    assert (result.exit_code, result.output) == (0, "")


def test_check_reports_every_problem_of_every_file(workplace):
    (workplace / "a.yaml").write_text(BROKEN)
    (workplace / "b.yaml").write_text("specc: 2\n")
    result = invoke("check", "a.yaml", "missing.yaml", "b.yaml")
    assert result.exit_code == 2
    assert result.stdout == ""
    places = [line.split(": ")[0] for line in result.stderr.splitlines()]
    assert places[0].startswith("a.yaml:4:")
    assert "did you mean 'units'" in result.stderr
    assert any(place.startswith("a.yaml:6:") for place in places)
    assert "missing.yaml: cannot be read: No such file or directory" in result.stderr
    assert any(place.startswith("b.yaml:1:") for place in places)


def test_check_finds_wrong_shapes_beside_wrong_sections(workplace):
    text = TINY.replace("units: 2", "units: 3").replace("epochs: 3", "epoch: 3")
    text = text.replace("  - dense: {units: 8", "  - reshape: [5]\n  - dense: {units: 8")
    (workplace / "a.yaml").write_text(text)
    problems = json.loads(invoke("check", "a.yaml", "--json").stdout)
    found = [(p["line"], p["path"]) for p in problems]
    assert found == [(5, "layers[0] (reshape)"), (12, "train.epoch")]
    assert {p["file"] for p in problems} == {"a.yaml"}


def test_check_with_changes(tiny):
    assert invoke("check", "tiny.yaml", "--set", "train.epochs=9").output == ""
    result = invoke("check", "tiny.yaml", "--set", "train.epochs=-1", "--set", "nonsense")
    assert result.exit_code == 2
    assert result.stderr.count("--set ") == 2


def test_check_json_of_a_good_spec(tiny):
    assert json.loads(invoke("check", "tiny.yaml", "--json").stdout) == []


def test_summary_is_that_of_keras(workplace):
    case = golden("digits_cnn")
    (workplace / "config.json").write_text(json.dumps(case["config.json"]))
    assert invoke("import", "config.json", "-o", "spec.yaml").exit_code == 0
    assert invoke("summary", "spec.yaml").stdout.rstrip() == case["summary.txt"].rstrip()
    wide = invoke("summary", "spec.yaml", "--line-length", 100).stdout
    assert wide.rstrip() == case["summary_100.txt"].rstrip()
    assert invoke("summary", "spec.yaml", "--format", "keras").stdout.rstrip() == (
        case["summary.txt"].rstrip()
    )


def test_summary_in_the_look_of_the_book():
    lines = invoke("summary", SPECS / "mnist_cnn.yaml", "--format", "keras2").stdout.splitlines()
    assert lines[0] == "_" * 65
    assert lines[3].split() == ["conv2d_1", "(Conv2D)", "(None,", "26,", "26,", "32)", "320"]
    assert "Total params: 93,322" in lines


@pytest.mark.parametrize("option", [["--format", "json"], ["--json"]])
def test_summary_as_json(option):
    found = json.loads(invoke("summary", SPECS / "mnist_cnn.yaml", *option).stdout)
    assert list(found) == [
        "name", "layers", "total_params", "trainable_params", "non_trainable_params",
    ]  # fmt: skip
    assert found["layers"][0] == {
        "name": "conv2d",
        "type": "Conv2D",
        "output_shape": [None, 26, 26, 32],
        "params": 320,
        "trainable_params": 320,
        "connected_to": ["image"],
    }
    assert found["total_params"] == 93_322


def test_summary_at_a_batch_size_and_as_markdown():
    text = invoke("summary", SPECS / "mnist_cnn.yaml", "--batch", 64).stdout
    assert "(64, 26, 26, 32)" in text
    assert "None" not in text
    text = invoke("summary", SPECS / "mnist_cnn.yaml", "--format", "markdown").stdout
    assert "| conv2d (Conv2D) | (None, 26, 26, 32) | 320 |" in text.splitlines()


def test_summary_that_is_too_narrow():
    result = invoke("summary", SPECS / "mnist_cnn.yaml", "--line-length", 5)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "5" in result.stderr


def test_explain_all_layers_or_one():
    text = invoke("explain", SPECS / "conv_demo.yaml").stdout
    assert "(7 - 3 + 2*0)/2 + 1 = 3" in text  # the lecture's (5 - 3 + 2*1)/2 + 1, padded before
    assert "zero_padding2d (ZeroPadding2D)" in text
    one = invoke("explain", SPECS / "conv_demo.yaml", "conv2d").stdout
    assert one.startswith("conv2d (Conv2D)")
    assert one.rstrip() in text
    result = invoke("explain", SPECS / "conv_demo.yaml", "conv2")
    assert result.exit_code == 2
    assert "did you mean 'conv2d'" in result.stderr


def test_costs_as_a_table_and_as_json():
    # By hand: 26 * 26 outputs of 32 filters of 9 weights; float32 activations of 64 samples.
    text = invoke("costs", SPECS / "mnist_cnn.yaml").stdout
    line = text.splitlines()[1].split("  ")
    assert [cell.strip() for cell in line if cell] == [
        "conv2d", "(None, 26, 26, 32)", "320", f"{26 * 26 * 32 * 9:,}", "5.28 MB", "3x3",
    ]  # fmt: skip
    assert "activations of a batch of 64:" in text
    assert "optimizer:" in text
    found = json.loads(invoke("costs", SPECS / "mnist_cnn.yaml", "--json", "--batch", 2).stdout)
    assert found["calls"][0]["activation_bytes"] == 2 * 26 * 26 * 32 * 4
    assert found["gradient_bytes"] == 93_322 * 4


def test_costs_without_training(workplace):
    (workplace / "a.yaml").write_text("specc: 1\ninputs: {x: [4]}\nlayers:\n  - dense: 2\n")
    text = invoke("costs", "a.yaml").stdout
    assert "activations of a batch of 1: 24.00 B" in text
    assert "gradients" not in text


def test_schema_is_json():
    found = json.loads(invoke("schema").stdout)
    assert found["$schema"].startswith("https://json-schema.org/")
    assert "filters" in found["$defs"]["layer.conv2d"]["properties"]
