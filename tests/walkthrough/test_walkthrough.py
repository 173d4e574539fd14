"""The page on which a window slides. Oracles: loops in NumPy, `specc.Model`."""

from __future__ import annotations

import html
import itertools
import json
import math
import re

import numpy as np
import pytest
from PIL import Image

import specc
from specc.errors import RunError, SpeccError
from specc.network import build
from specc.spec.reader import loads
from specc.walkthrough import walkthrough
from tests.app.console import SPECS, invoke
from tests.browser import opened
from tests.web.markup import accessible, outside

LAYERS = """
specc: 1
inputs: {image: [20, 9, 4]}
layers:
  - conv2d: {filters: 6, kernel_size: [3, 3], padding: same, activation: relu}
    name: same
  - conv2d: {filters: 2, kernel_size: [2, 3], strides: [2, 1], use_bias: false, activation: gelu}
    name: uneven
  - max_pooling2d: {pool_size: 3, strides: 2, padding: same}
    name: greatest
  - average_pooling2d: {pool_size: 2, padding: same}
    name: mean
  - flatten
  - dense: 3
"""


def network(text=LAYERS):
    return build(loads(text))


def scene_of(text):
    (found,) = re.findall(r'<script type="application/json" id="scene">(.*?)</script>', text)
    return json.loads(found)


def outputs(scene, image=0, kernel=0):
    """What the page shows, in loops: (channels or 1, rows, columns)."""
    planes = np.array(scene["images"][image]["pixels"])
    (top, bottom), (left, right) = scene["padding"]
    fill = 0.0 if scene["kind"] == "conv" else np.nan
    padded = np.pad(planes, ((0, 0), (top, bottom), (left, right)), constant_values=fill)
    (kh, kw), (sh, sw), (dh, dw) = scene["kernel"], scene["strides"], scene["dilation"]
    rows = (padded.shape[1] - (kh - 1) * dh - 1) // sh + 1
    columns = (padded.shape[2] - (kw - 1) * dw - 1) // sw + 1
    made = np.zeros((len(planes), rows, columns))
    for c, r, q in np.ndindex(made.shape):
        seen = padded[c, r * sh : r * sh + kh * dh : dh, q * sw : q * sw + kw * dw : dw]
        if scene["kind"] == "conv":
            made[c, r, q] = (seen * np.array(scene["kernels"][kernel]["weights"][c])).sum()
        else:
            made[c, r, q] = np.nanmax(seen) if scene["kind"] == "max" else np.nanmean(seen)
    if scene["kind"] != "conv":
        return made
    made = made.sum(axis=0, keepdims=True) + scene["kernels"][kernel]["bias"]
    return np.maximum(made, 0) if scene["activation"] == "relu" else made


def grids(document, caption):
    """Numbers of the grids with such a caption, from the words for who cannot see them."""
    told = re.findall(rf'aria-label="{caption}: ([^"]*)"', document)
    return [[[float(v) for v in row.split()] for row in text.split("; ")] for text in told]


def test_the_lecture_example_has_its_geometry():
    """5 x 5 x 3 padded by 1 above, window 3 x 3, stride 2: 3 x 3 outputs."""
    text = walkthrough(build(specc.load(SPECS / "conv_demo.yaml")), "conv2d")
    scene = scene_of(text)
    assert (scene["size"], scene["padding"]) == ([5, 5], [[1, 1], [1, 1]])
    assert scene["channels"] == ["red", "green", "blue"]
    assert outputs(scene).shape == (1, 3, 3)
    names = [kernel["name"] for kernel in scene["kernels"]]
    assert names[0] == "edges, left to right (Sobel)"
    assert names[-2:] == ["filter 1 of conv2d", "filter 2 of conv2d"]
    found = accessible(text)
    assert outside(found) == []
    assert "(7 - 3 + 2*0)/2 + 1 = 3" in found.text


def test_filters_are_those_of_a_new_model():
    """Oracle: the weights of `specc.Model`, rounded."""
    spec = specc.load(SPECS / "conv_demo.yaml")
    kernel, _ = specc.Model(spec).weights.values()
    scene = scene_of(walkthrough(build(spec), "conv2d"))
    for k in range(2):
        expected = np.moveaxis(kernel[..., k], -1, 0)
        np.testing.assert_allclose(scene["kernels"][-2 + k]["weights"], expected, atol=0.0051)


def test_what_is_large_is_cut_and_said_so():
    text = walkthrough(network(), "same")
    scene = scene_of(text)
    assert scene["size"] == [12, 9]
    assert len(scene["channels"]) == 3
    assert "Shown are 12×9 of 20×9 places and 3 of 4 channels" in text
    assert scene["padding"] == [[1, 1], [1, 1]]
    assert len(scene["kernels"]) == 6 + 4


def test_windows_that_are_not_square_have_no_edge_kernels():
    scene = scene_of(walkthrough(network(), "uneven"))
    assert [k["name"] for k in scene["kernels"]] == ["filter 1 of uneven", "filter 2 of uneven"]
    assert (scene["kernel"], scene["strides"]) == ([2, 3], [2, 1])
    assert scene["activation"] == "gelu"


@pytest.mark.parametrize("layer", ["dense", "flatten"])
def test_layers_without_a_window_are_refused(layer):
    with pytest.raises(SpeccError, match="expected a layer that slides a window over an image"):
        walkthrough(network(), layer)


def test_other_names_and_windows_that_cannot_be_drawn_are_refused():
    with pytest.raises(SpeccError, match="did you mean 'uneven'"):
        walkthrough(network(), "unever")
    large = "specc: 1\ninputs: {x: [40, 40, 1]}\nlayers: [{conv2d: {filters: 1, kernel_size: 15}}]"
    with pytest.raises(SpeccError, match="at most 12 cells to draw, found 15"):
        walkthrough(network(large), "conv2d")


def test_a_picture_and_trained_filters(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "x.png")
    spec = specc.load(SPECS / "conv_demo.yaml").model
    spec = loads(
        "specc: 1\ninputs: {x: [5, 5, 3]}\nlayers: [{conv2d: {filters: 2, kernel_size: 3}}]"
    )
    model = specc.Model(spec, seed=9)
    model.save(tmp_path / "kept")
    text = walkthrough(
        build(spec), "conv2d", 0, tmp_path / "kept/state.safetensors", tmp_path / "x.png"
    )
    scene = scene_of(text)
    assert scene["images"][0]["name"] == "the picture"
    expected = np.moveaxis(picture / 255, -1, 0)
    np.testing.assert_allclose(scene["images"][0]["pixels"], expected, atol=0.051)
    kernel = next(iter(model.weights.values()))
    shown = scene["kernels"][-2]["weights"]
    np.testing.assert_allclose(shown, np.moveaxis(kernel[..., 0], -1, 0), atol=0.0051)
    with pytest.raises(RunError, match="expected a weight 'same/kernel'"):
        walkthrough(network(), "same", 0, tmp_path / "kept/state.safetensors")


@pytest.mark.parametrize("layer", ["same", "uneven", "greatest", "mean"])
def test_the_browser_computes_what_loops_compute(layer, tmp_path):
    text = walkthrough(network(), layer)
    page = tmp_path / "page.html"
    page.write_text(text, encoding="utf-8")
    document = html.unescape(opened(page, tmp_path))
    scene = scene_of(text)
    captions = ["output"]
    if scene["kind"] != "conv":
        captions = [f"output, {name}" for name in scene["channels"]]
    for caption, expected in zip(captions, outputs(scene), strict=True):
        np.testing.assert_allclose(grids(document, caption)[0], expected, atol=0.0051)
    # The arithmetic on the page is right: what stands left of the last `=` is what stands right.
    lines = re.findall(r"<p>([^<]*)</p>", document.split('id="sum"')[1].split("</div>")[0])
    assert lines
    for line in lines:
        left, _, right = line.rpartition(" = ")
        body = re.sub(r"^(sum|[\w ]+:|relu)", "", left).replace("bias", "").replace("−", "-")
        if left:
            value = eval(body.replace("·", "*").replace("max(", "max(0,"), {"max": max})  # noqa: S307
            wanted = float(right.replace("−", "-"))
            assert math.isclose(max(value, 0) if "relu" in line else value, wanted, abs_tol=0.02)


# Presses buttons and writes what the page then says into its title.
PRESSES = """<script>addEventListener("load", () => {
const press = (id, n) => { for (let k = 0; k < n; k++) document.getElementById(id).click(); };
press("next", 2); press("back", 1); press("right", 1); press("down", 1);
const first = document.getElementById("told").textContent;
press("home", 1);
document.title = document.getElementById("step").value + "|" + first + "|" +
  document.getElementById("told").textContent; })</script>"""


def test_moving_the_input_moves_the_output(tmp_path):
    """A ring that does not touch the borders moves by one; the greatest stays."""
    text = walkthrough(
        build(loads("specc: 1\ninputs: {x: [12, 12, 1]}\nlayers: [{conv2d: {filters: 1,"
                    " kernel_size: 3, padding: same}}]")), "conv2d")  # fmt: skip
    page = tmp_path / "page.html"
    page.write_text(text.replace("</body>", f"{PRESSES}</body>"), encoding="utf-8")
    (title,) = re.findall("<title>(.*?)</title>", opened(page, tmp_path))[:1]
    step, told, home = title.split("|")
    assert step == "1"
    assert told.startswith("Moved down by 1 and right by 1.")
    assert "100% of them are what they were: the output moves with the input." in told
    greatest = re.search(r"The greatest output was ([\d.]+) and is ([\d.]+)\.", told)
    assert greatest[1] == greatest[2]
    assert home == "Not moved yet: press an arrow."


def test_the_command(tmp_path):
    out = tmp_path / "x.html"
    result = invoke("explain", SPECS / "conv_demo.yaml", "conv2d", "--html", out)
    assert (result.exit_code, result.stderr) == (0, f"wrote {out}\n")
    assert scene_of(out.read_text(encoding="utf-8"))["kind"] == "conv"
    assert invoke("explain", SPECS / "conv_demo.yaml", "--html", out).exit_code == 2
    assert invoke("explain", SPECS / "conv_demo.yaml", "--image", "x.png").exit_code == 2


def test_pictures_are_different_and_in_tenths():
    images = scene_of(walkthrough(network(), "same"))["images"]
    pixels = [np.array(image["pixels"]) for image in images]
    for one, other in itertools.combinations(pixels, 2):
        assert np.abs(one - other).max() > 0.3
    for values in pixels:
        assert values.min() >= 0
        assert values.max() <= 1
        np.testing.assert_allclose(values * 10, np.round(values * 10), atol=1e-9)
