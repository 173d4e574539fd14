"""Drawings of networks. Oracles: the network's own calls, edges and counts."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

import specc
from specc.drawing import draw
from specc.drawing.boxes import boxes
from specc.drawing.svg import shortened, text_width
from specc.network import Network, build
from specc.spec.reader import loads
from tests.app.console import SPECS, invoke
from tests.browser import opened
from tests.docs.pages import ROOT
from tests.golden import APPS, app

NAMESPACE = {"svg": "http://www.w3.org/2000/svg"}
TANGLED = """
specc: 1
inputs: {x: [4]}
blocks:
  pair:
    layers:
      - dense: 4
      - dense: 4
layers:
  - pair:
    name: one
  - activation: relu
  - pair:
    repeat: 2
  - dense: {units: 3, activation: softmax}
"""


def network(name):
    return build(specc.load(SPECS / f"{name}.yaml"))


@pytest.mark.parametrize("name", APPS)
def test_every_call_and_every_edge_is_drawn(name):
    model = build(specc.from_keras(app(name)["config.json"]))
    found, edges = boxes(model)
    calls = [box for box in found if box.role != "output"]
    assert len(calls) == len(model.calls) + len(model.inputs)
    pairs = {(ref.call.name, call.name) for call in model.calls for ref in call.written}
    titles = {box.key: box.title for box in found}
    drawn = [(titles[a], titles[b]) for a, b in edges if not b.startswith("output")]
    assert sorted(drawn) == sorted(pairs)
    root = ET.fromstring(draw(model))
    assert len(root.findall("svg:g", NAMESPACE)) == len(found)


def test_blocks_and_their_repeats_are_one_box():
    found, edges = boxes(network("residual_cnn"))
    assert [box.title for box in found] == [
        "image", "stem", "activation", "residual × 2", "shrink × 2", "last", "average", "maximum",
        "shared", "shared_again", "concatenate", "dropout", "dense",
    ]  # fmt: skip
    by_title = {box.title: box for box in found}
    assert by_title["residual × 2"].lines == ("each of 7 layers", "8×8×8 · 2,432 parameters")
    assert by_title["last"].lines[0] == "residual, block of 7 layers"
    assert by_title["shared_again"].lines[1] == "weights of shared"
    assert len(edges) == 13
    whole, _ = boxes(network("residual_cnn"), expand=True)
    assert len(whole) == len(network("residual_cnn").calls) + 1


def test_a_block_of_one_name_and_a_block_with_something_between():
    found, _ = boxes(build(loads(TANGLED)))
    assert [box.title for box in found] == ["x", "one", "activation", "pair × 2", "dense"]
    assert [box.role for box in found] == ["input", "block", "point", "block", "weights"]


def test_roles_and_settings():
    found = {box.title: box for box in boxes(network("two_towers"))[0]}
    assert found["conv2d"].lines == ("Conv2D · filters 8 · 3×3 · relu", "14×14×8 · 224 parameters")
    assert {title: box.role for title, box in found.items() if title in {
        "image", "conv2d", "max_pooling2d", "batch_normalization", "concatenate", "both"}} == {
        "image": "input", "conv2d": "window", "max_pooling2d": "pool",
        "batch_normalization": "weights", "concatenate": "merge", "both": "point",
    }  # fmt: skip
    outputs = [box for box in boxes(network("two_towers"))[0] if box.role == "output"]
    assert [box.title for box in outputs] == ["label", "amount"]


def test_a_sub_model_is_one_box():
    model = build(specc.from_keras(app("nested_model")["config.json"]))
    inner = [box for box in boxes(model)[0] if box.role == "block"]
    calls = [call for call in model.calls if isinstance(call.called, Network)]
    assert [box.title for box in inner] == [call.name for call in calls]
    assert all(box.lines[0].startswith("model of ") for box in inner)


def test_boxes_keep_apart_and_inside():
    root = ET.fromstring(draw(network("two_towers")))
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    rects = [
        tuple(float(r.attrib[k]) for k in ("x", "y", "width", "height"))
        for r in root.iterfind(".//svg:rect[@class='box']", NAMESPACE)
    ]
    for i, (x, y, w, h) in enumerate(rects):
        assert left <= x
        assert x + w <= left + width
        assert top <= y
        assert y + h <= top + height
        for x2, y2, w2, h2 in rects[:i]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_the_drawing_is_told_in_words_and_in_two_themes():
    text = draw(network("two_towers"))
    root = ET.fromstring(text)
    assert root.attrib["role"] == "img"
    assert root.find("svg:title", NAMESPACE).text == "two_towers"
    words = root.find("svg:desc", NAMESPACE).text
    assert "concatenate (Concatenate, 32) from seen, read" in words
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


def test_text_is_cut_to_its_room():
    assert shortened("dense", 12, 200) == "dense"
    assert shortened("residual/convolution/batch_normalization", 12, 150) == "…/batch_normalization"
    cut = shortened("a very long name of a layer", 12, 60)
    assert cut.endswith("…")
    assert text_width(cut, 12) <= 60


def test_the_command_writes_and_prints(tmp_path):
    path = tmp_path / "x.svg"
    assert invoke("plot", SPECS / "lenet5.yaml", "-o", path).exit_code == 0
    assert path.read_text(encoding="utf-8") == draw(network("lenet5"))
    printed = invoke("plot", SPECS / "residual_cnn.yaml", "--expand")
    assert "residual_1/body/conv2d" in printed.stdout


def test_the_picture_in_the_docs_is_current():
    kept = (ROOT / "docs/images/residual_cnn.svg").read_text(encoding="utf-8")
    assert kept == draw(network("residual_cnn")), (
        "draw it again: specc plot specs/residual_cnn.yaml -o docs/images/residual_cnn.svg"
    )


def test_a_browser_shows_it_without_complaints(tmp_path):
    path = tmp_path / "x.svg"
    path.write_text(draw(network("two_towers")), encoding="utf-8")
    assert "both" in opened(path, tmp_path)
