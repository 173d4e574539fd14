"""What the layers see: filters, feature maps, receptive fields, and what predictions rest on."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from specc.network import Call
from specc.receptive import Field, receptive_fields
from specc.report.opened import Looked, Opened
from specc.report.probing import attributions, layer_outputs, spatial_calls
from specc.report.samples import grey, pictorial, pixels, shown
from specc.report.scores import Labelled
from specc.web.page import Section
from specc.web.pictures import diverging, image, levels, mosaic, overlaid

Array = npt.NDArray[Any]
MOST_LAYERS, MOST_MAPS, MOST_FILTERS, MOST_SAMPLES = 12, 16, 32, 3
MOST_EXPLAINED = 3
# Of one channel's side; larger maps are thinned, or a report would weigh megabytes.
MOST_PIXELS = 64
COLUMNS = 8
KERNEL_RANK = 4
COLOUR = 3
STYLE = """
.maps { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .75rem;
  margin: .5rem 0; max-width: 44rem } .maps figure { margin: 0 }
.maps img { width: 100%; height: auto }
.fields { display: flex; flex-wrap: wrap; gap: 1rem } .fields figure { margin: 0; width: 9rem }
.fields svg { width: 9rem; height: auto; image-rendering: pixelated }
.why { display: grid; grid-template-columns: repeat(3, minmax(0, 7rem)); gap: .5rem }
.why img { width: 100%; height: auto } .cases { display: flex; flex-wrap: wrap; gap: 1.5rem }
.cases figure { margin: 0 }
"""


def insight(run: Opened, seen: Looked, found: Labelled | None) -> list[Section]:
    """All of it, for models of one image that take any number of them."""
    if len(seen.x) != 1 or not pictorial(seen.x[0]) or run.network.batch is not None:
        return []
    chosen = _samples(seen, found)
    calls = _spread(spatial_calls(run.network))
    made: list[Section | None] = [_filters(run)]
    if calls:
        made += [_maps(run, seen.x[0][chosen], calls), _fields(run, seen.x[0], chosen[0], calls)]
    if found is not None:
        made.append(_reasons(run, seen, found))
    return [section for section in made if section is not None]


def _samples(seen: Looked, found: Labelled | None) -> list[int]:
    """The first samples, of different classes where there are classes."""
    if found is None:
        return list(range(min(MOST_SAMPLES, len(seen.output))))
    _, first = np.unique(found.truth, return_index=True)
    return [int(k) for k in first[:MOST_SAMPLES]]


def _spread(calls: Sequence[Call]) -> list[Call]:
    """Some calls, evenly from the first to the last."""
    if len(calls) <= MOST_LAYERS:
        return list(calls)
    places = np.linspace(0, len(calls) - 1, MOST_LAYERS).round().astype(int)
    return [calls[k] for k in places]


def _filters(run: Opened) -> Section | None:
    """Kernels of the first layer that has any of height and width."""
    for call in run.network.calls:
        for weight in call.node.weights:
            kernel = run.weights.get(weight.name)
            if kernel is None or kernel.ndim != KERNEL_RANK or kernel.shape[0] < 2:  # noqa: PLR2004
                continue
            tiles = np.moveaxis(kernel, -1, 0)[:MOST_FILTERS]
            colour = tiles.shape[-1] == COLOUR
            drawn = levels(tiles) if colour else diverging(tiles.mean(axis=-1))
            columns = min(COLUMNS, len(tiles))
            alt = f"{len(tiles)} filters of {call.name}"
            told = (
                "in their own colours"
                if colour
                else "red adds, blue subtracts, white leaves out"
                + (", mean over the channels" if tiles.shape[-1] > 1 else "")
            )
            whole = kernel.shape[-1]
            height, width = kernel.shape[:2]
            return Section(
                "First filters",
                f"<p>What {escape(call.name)} looks for: {len(tiles)} of its {whole} filters of"
                f" {height}×{width}; {told}.</p><figure>"
                f"{image(mosaic(drawn, columns, 4), alt, 40 * columns)}</figure>",
            )
    return None


def _maps(run: Opened, x: Array, calls: Sequence[Call]) -> Section:
    """Channels of every chosen layer for every sample."""
    outputs = layer_outputs(run.spec, run.weights, calls, [x])
    told = (
        "<p>What layers make of a sample, channel by channel: edges and strokes at the beginning,"
        " parts and whole shapes later. Each channel is stretched from its least (black) to its"
        " greatest value (white).</p>"
    )
    parts: list[str] = []
    for call, values in zip(calls, outputs, strict=True):
        figures: list[str] = []
        for k, sample in enumerate(values):
            step = -(-max(sample.shape[:2]) // MOST_PIXELS)
            channels = np.moveaxis(sample[::step, ::step], -1, 0)[:MOST_MAPS]
            tiles = np.stack([levels(c) for c in channels])[..., np.newaxis]
            alt = f"{len(tiles)} channels of {call.name} for sample {k + 1}"
            figures.append(f"<figure>{image(mosaic(tiles, 4), alt, 160)}</figure>")
        height, width, channels_all = values.shape[1:]
        parts.append(
            f'<h3>{escape(call.name)} <span class="dim">{height}×{width}, {channels_all} channels'
            f'</span></h3><div class="maps">{"".join(figures)}</div>'
        )
    inputs = "".join(
        f"<figure>{shown(x, k, f'sample {k + 1}', 160)}</figure>" for k in range(len(x))
    )
    first = f'<h3>Input</h3><div class="maps">{inputs}</div>'
    return Section("Feature maps", "".join([told, first, *parts]))


def _fields(run: Opened, x: Array, index: int, calls: Sequence[Call]) -> Section | None:
    """The part of the input that the middle element of each layer sees."""
    fields = receptive_fields(run.network)
    figures: list[str] = []
    before: tuple[int | None, ...] = ()
    for call in calls:
        for field in fields[call].values():
            placed = field.spans is not None and len(field.spans) == 2  # noqa: PLR2004
            # Layers that look at single elements see what the one above sees.
            if placed and field.sizes != before:
                figures.append(_field(pixels(x[index]), call, field))
                before = field.sizes
    if not figures:
        return None
    told = (
        "<p>What one element in the middle of a layer's output can see of the input. The frame may"
        " go beyond the image, where padding is.</p>"
    )
    return Section("Receptive fields", f'{told}<div class="fields">{"".join(figures)}</div>')


def _field(picture: Array, call: Call, field: Field) -> str:
    spans = field.spans or ()
    middles = [(size or 1) // 2 for size in call.output_shapes[0][1:3]]
    (top, bottom), (left, right) = (
        span.at(middle) for span, middle in zip(spans, middles, strict=True)
    )
    height, width = picture.shape[:2]
    margin = max(1, -top, -left, bottom + 1 - height, right + 1 - width)
    alt = f"{call.name} sees {bottom - top + 1} by {right - left + 1} of {height} by {width}"
    tag = image(picture, "", width)
    source = tag.split('src="', 1)[1].split('"', 1)[0]
    stroke = max(height, width) / 60
    return (
        f'<figure><svg role="img" viewBox="{-margin} {-margin} {width + 2 * margin}'
        f' {height + 2 * margin}"><title>{escape(alt)}</title>'
        f'<image href="{source}" width="{width}" height="{height}"/>'
        f'<rect class="mark" style="stroke-width:{stroke:.2f}" x="{left}" y="{top}"'
        f' width="{right - left + 1}" height="{bottom - top + 1}"/></svg>'
        f"<figcaption>{escape(call.name)}: {bottom - top + 1}×{right - left + 1} of"
        f" {height}×{width}</figcaption></figure>"
    )


def _reasons(run: Opened, seen: Looked, found: Labelled) -> Section | None:
    """Saliency and Grad-CAM of right and wrong predictions."""
    x = seen.x[0]
    right = [int(k) for k in _samples(seen, found) if found.right[k]]
    chosen = [*right[:MOST_EXPLAINED], *map(int, found.worst(MOST_EXPLAINED))]
    if not chosen or x.dtype.kind != "f":
        return None
    rows, names = x[chosen], run.class_names(found.chances.shape[1])
    why = attributions(run.spec, run.network, run.weights, rows, found.predicted[chosen])
    figures: list[str] = []
    for i, k in enumerate(chosen):
        verdict = "right" if found.right[k] else f"is {names[int(found.truth[k])]}"
        called = names[int(found.predicted[k])]
        caption = f"called {called} ({found.confidence[k]:.1%}), {verdict}"
        pictures = [
            shown(x, k, f"sample {k}"),
            image(levels(why.saliency[i], 0.0, 1.0)[..., np.newaxis], "saliency", 112),
        ]
        if why.cam is not None:
            heat = enlarged(why.cam[i], *rows.shape[1:3])
            pictures.append(image(overlaid(grey(x[k]), heat), "Grad-CAM over the input", 112))
        figures.append(
            f'<figure><div class="why">{"".join(pictures)}</div><figcaption>{escape(caption)}'
            "</figcaption></figure>"
        )
    told = (
        "<p>Left the input. In the middle saliency: how much each pixel would change the logarithm"
        " of the probability of the predicted class. Right Grad-CAM: where the last convolution"
        " found what speaks for that class (orange).</p>"
    )
    return Section("What predictions rest on", f'{told}<div class="cases">{"".join(figures)}</div>')


def enlarged(values: Array, height: int, width: int) -> Array:
    """A small map (h, w) at another size, linear between the centres of its cells."""
    for axis, size in ((0, height), (1, width)):
        count = values.shape[axis]
        at = np.clip((np.arange(size) + 0.5) * count / size - 0.5, 0, count - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, count - 1)
        part = (at - low).reshape([-1 if a == axis else 1 for a in range(2)])
        values = values.take(low, axis) * (1 - part) + values.take(high, axis) * part
    return values
