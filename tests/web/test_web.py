"""The parts of pages: pictures, charts, tables."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

from specc.web.charts import Axes, curves, reliability, scatter, ticks
from specc.web.page import Section, page
from specc.web.pictures import diverging, image, levels, mosaic, overlaid, png
from specc.web.tables import cards, table, with_bar
from tests.web.markup import Markup, accessible, outside


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_are_read_back(channels):
    """Oracle: Pillow."""
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    read = np.asarray(Image.open(io.BytesIO(png(pixels))))
    np.testing.assert_array_equal(read.reshape(5, 7, channels), pixels)


def test_levels_go_from_black_to_white():
    assert levels(np.array([-1.0, 0.0, 1.0])).tolist() == [0, 128, 255]
    assert levels(np.array([0.0, 0.5, 2.0]), 0.0, 1.0).tolist() == [0, 128, 255]
    assert levels(np.full(3, 7.0)).tolist() == [0, 0, 0]
    assert levels(np.array([np.nan, 1.0])).tolist() == [0, 255]


def test_signs_have_colours():
    red, white, blue = diverging(np.array([2.0, 0.0, -2.0]))
    assert red[0] > red[2]
    assert white.tolist() == [255, 255, 255]
    assert blue[2] > blue[0]


def test_tiles_stand_side_by_side():
    tiles = np.stack([np.full((30, 30, 1), k, np.uint8) for k in (10, 20, 30)])
    whole = mosaic(tiles, 2, gap=1)
    assert whole.shape == (61, 61, 3)
    assert [int(whole[r, c, 0]) for r, c in ((0, 0), (0, 31), (31, 0), (31, 31), (0, 30))] == [
        10, 20, 30, 140, 140,
    ]  # fmt: skip
    assert mosaic(tiles[:, :3, :3], 3, gap=2).shape == (24, 76, 3)


def test_heat_lies_over_grey():
    grey = np.full((2, 2), 0.5)
    heated = overlaid(grey, np.array([[0.0, 1.0], [0.0, 0.0]]))
    assert heated[0, 0].tolist() == [128, 128, 128]
    assert heated[0, 1, 0] > heated[0, 1, 2]


def test_ticks_are_round():
    assert ticks(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
    assert ticks(3.0, 97.0) == [20, 40, 60, 80]
    assert ticks(-0.02, 0.01) == pytest.approx([-0.02, -0.01, 0.0, 0.01])


def test_points_lie_where_their_numbers_say():
    axes = Axes(0.0, 10.0, 0.0, 2.0)
    assert (axes.x(0.0), axes.x(10.0)) == (52, 428)
    assert (axes.y(0.0), axes.y(2.0), axes.y(1.0)) == (204, 12, 108)


def test_curves_break_where_there_is_no_number():
    chart = curves("epoch", "loss", [1.0, 2.0, 3.0], {"loss": [1.0, float("nan"), 0.5]})
    (line,) = re.findall(r'class="one" d="([^"]*)"', chart)
    assert line.count("M") == 2
    assert "<title>loss by epoch: loss from 1 to 0.5</title>" in chart
    single = curves("epoch", "loss", [1.0], {"loss": [1.0], "val_loss": [2.0]})
    assert single.count("<circle") == 2
    assert ">1.2<" not in single  # there is no epoch 1.2
    for text in (chart, single, scatter("a", "b", [0.0, 1.0], [0.0, 2.0], "x"),
                 reliability([(0.5, 0.4, 3), (0.9, 1.0, 30)], "x")):  # fmt: skip
        Markup(text)


def test_a_page_is_whole_and_escapes_what_it_is_given():
    rows = [["<b>1</b>", "2"]]
    body = table("a < b", ["x", "<y>"], rows) + cards([("<what>", "<value>")])
    text = page("a <title>", "<p>lead</p>", [Section("One & two", body), Section("Three", "")])
    found = accessible(text)
    assert outside(found) == []
    assert "a <title>" in found.text
    assert "<what>" in found.text
    assert [a["href"] for a in found.all("a")] == ["#one-two", "#three"]
    assert "prefers-color-scheme: dark" in text


def test_a_share_is_a_bar_below_its_number():
    assert with_bar("<0>", 0.0) == "&lt;0&gt;"
    assert 'style="width:2.50rem"' in with_bar("5", 0.5)


def test_images_keep_their_sides():
    tag = image(np.zeros((10, 20, 3), np.uint8), 'a "b"', 100)
    assert 'width="100" height="50"' in tag
    assert "a &quot;b&quot;" in tag
