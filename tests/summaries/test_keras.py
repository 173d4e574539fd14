"""Summaries against Keras' own text, byte for byte."""

import pytest

from specc.keras_import import from_keras
from specc.network import build
from specc.summaries import summary
from tests.golden import APPS, app, graphs


@pytest.mark.parametrize("name", APPS)
def test_applications_at_both_widths(name):
    case = app(name)
    info = summary(from_keras(case["config.json"]))
    assert str(info) == case["summary.txt"].rstrip()
    assert info.text(100) == case["summary_100.txt"].rstrip()


@pytest.mark.parametrize("name", graphs())
@pytest.mark.parametrize("width", [60, 80, 121])
def test_awkward_graphs(name, width):
    case = graphs()[name]
    assert summary(from_keras(case["config"])).text(width) == case["summary"][str(width)]


@pytest.mark.parametrize("name", APPS)
def test_json_against_keras_layers_and_totals(name):
    case = app(name)
    info = summary(from_keras(case["config.json"]))
    found = info.to_dict()
    expected = [
        {
            "name": layer["name"],
            "type": layer["class_name"],
            "output_shape": layer["output_shape"],
            "params": layer["param_count"],
            "trainable_params": layer["trainable_count"],
            "connected_to": layer["inbound"],
        }
        for layer in case["layers.json"]
    ]
    assert found["layers"] == expected
    totals = case["totals.json"]
    for key in ("total_params", "trainable_params", "non_trainable_params"):
        assert found[key] == totals[key]
    assert info.totals.bytes == totals["total_bytes"]
    assert info.totals.non_trainable_bytes == totals["non_trainable_bytes"]


def test_keras2_look_of_the_book():
    case = app("digits_cnn")
    info = summary(from_keras(case["config.json"]))
    assert info.text(style="keras2") == case["summary_keras2.txt"].rstrip()


def test_keras2_look_of_a_graph_gives_each_connection_a_line():
    """Oracle: the layout rule of Keras 2.0, columns ending at 32, 53, 65 and 98 of 98."""
    lines = summary(from_keras(app("siamese_multi_io")["config.json"])).text(style="keras2")
    rows = lines.splitlines()
    assert {len(row) for row in rows[:-4]} == {98}
    first = next(i for i, row in enumerate(rows) if row.startswith("joint (Concatenate)"))
    assert [row[65:].strip() for row in rows[first : first + 3]] == [
        "diff[0][0]",
        "multiply_1[0][0]",
        "dense_1[0][0]",
    ]
    assert rows[first + 1][:65].strip() == ""


def test_summary_of_a_network_that_is_already_built():
    spec = from_keras(app("digits_cnn")["config.json"])
    assert str(summary(build(spec))) == str(summary(spec))
