"""What does not fit is refused with a message that says what was expected and what to do."""

from __future__ import annotations

import json

import pytest

from specc.errors import SpecError
from specc.keras_import import from_keras
from specc.layer import REFUSED
from specc.layers import Layer
from specc.shapes import ShapeError
from specc.spec.reader import loads

IMAGE = (None, 8, 6, 4)
STEPS = (None, 5, 3)
FLAT = (None, 4)

SHAPES = [
    ("conv2d", {"filters": 2, "kernel_size": 7}, [IMAGE], "kernel of 7 does not fit an axis of 6"),
    (
        "conv2d",
        {"filters": 2, "kernel_size": 4, "dilation_rate": 3},
        [IMAGE],
        r"kernel of 4 \(dilated to 10\) does not fit an axis of 8.*padding: same",
    ),
    (
        "conv2d",
        {"filters": 2, "kernel_size": 3},
        [FLAT],
        r"4 axes \(batch, height, width, channels",
    ),
    (
        "conv2d",
        {"filters": 2, "kernel_size": 3, "data_format": "channels_first"},
        [STEPS],
        r"4 axes \(batch, channels, height, width\), found \(None, 5, 3\)",
    ),
    (
        "conv2d",
        {"filters": 6, "kernel_size": 3, "groups": 3},
        [IMAGE],
        "4 input channels",
    ),
    ("conv2d", {"filters": 2, "kernel_size": 1}, [(None, 8, 8, None)], "needs a known length"),
    ("conv1d", {"filters": 2, "kernel_size": 6}, [STEPS], "kernel of 6 does not fit an axis of 5"),
    ("depthwise_conv2d", {"kernel_size": 9}, [IMAGE], "kernel of 9 does not fit"),
    ("separable_conv2d", {"filters": 1, "kernel_size": 9}, [IMAGE], "kernel of 9 does not fit"),
    ("conv2d_transpose", {"filters": 1, "kernel_size": 2}, [STEPS], "expected an input of 4 axes"),
    ("max_pooling2d", {"pool_size": 9}, [IMAGE], "kernel of 9 does not fit an axis of 8"),
    ("max_pooling2d", {}, [STEPS], "expected an input of 4 axes"),
    ("average_pooling1d", {"pool_size": 6}, [STEPS], "kernel of 6 does not fit"),
    (
        "global_max_pooling1d",
        {},
        [IMAGE],
        r"3 axes \(batch, steps, channels\)",
    ),
    ("dense", {"units": 2}, [(None,)], "at least 2 axes"),
    ("category_encoding", {}, [FLAT], "num_tokens must be given"),
    ("category_encoding", {"num_tokens": 3}, [(None,)], "which .None,. lacks"),
    ("category_encoding", {"num_tokens": 3}, [FLAT, FLAT], "count_weights has no use"),
    (
        "category_encoding",
        {"num_tokens": 3, "output_mode": "count"},
        [FLAT, STEPS],
        "does not have the shape",
    ),
    ("discretization", {"num_bins": 3}, [FLAT], "bin_boundaries must be given"),
    ("mel_spectrogram", {"fft_length": 8}, [FLAT], "too short to be reflected"),
    ("spectral_normalization", {"layer": "flatten"}, [FLAT], "neither a kernel nor embeddings"),
    ("dense", {"units": 2}, [(None, None)], "needs a known length"),
    ("dense", {"units": 3, "activation": "glu"}, [FLAT], "halves axis 1, which is odd"),
    ("activation", {"activation": "glu"}, [STEPS], "glu halves axis 2"),
    (
        "reshape",
        {"target_shape": [3, 2]},
        [FLAT],
        r"4 elements \(4,\) cannot take",
    ),
    ("reshape", {"target_shape": [-1, 3]}, [FLAT], "4 elements"),
    ("permute", {"dims": [2, 1]}, [FLAT], "expected an input of 3 axes"),
    ("repeat_vector", {"n": 2}, [STEPS], "expected an input of 2 axes"),
    ("cropping1d", {"cropping": 3}, [STEPS], "cropping 6 of axis 1 leaves nothing.*at most 4"),
    ("cropping2d", {"cropping": [4, 0]}, [IMAGE], "cropping 8 of axis 1 leaves nothing"),
    ("zero_padding2d", {}, [STEPS], "expected an input of 4 axes"),
    ("up_sampling1d", {}, [FLAT], "expected an input of 3 axes"),
    ("up_sampling2d", {}, [FLAT], "expected an input of 4 axes"),
    ("batch_normalization", {"axis": 4}, [IMAGE], "axis 4 does not exist in a tensor of 4 axes"),
    ("batch_normalization", {}, [(None, None)], "needs a known length"),
    ("layer_normalization", {"axis": [1, 5]}, [IMAGE], "axis 5 does not exist"),
    ("group_normalization", {"groups": 3}, [IMAGE], "4 channels do not divide into 3 groups"),
    ("group_normalization", {}, [IMAGE], "4 channels do not divide into 32 groups"),
    ("rms_normalization", {"axis": 7}, [IMAGE], "axis 7 does not exist"),
    ("unit_normalization", {"axis": -5}, [IMAGE], "axis -5 does not exist"),
    (
        "normalization",
        {"mean": [1.0, 2.0], "variance": [1.0, 1.0]},
        [STEPS],
        r"mean of shape \(2,\) does not fit axes of \(3,\)",
    ),
    ("rescaling", {"scale": [1.0, 2.0]}, [STEPS], r"scale of shape \(2,\) does not spread over"),
    ("rescaling", {"scale": 1.0, "offset": [[[[1.0]]]][0]}, [FLAT], "offset of shape"),
    ("softmax", {"axis": [1, 3]}, [STEPS], "axis 3 does not exist"),
    ("p_re_lu", {"shared_axes": [0]}, [IMAGE], "shared axis 0 does not exist.*use 1 to 3"),
    ("dropout", {"rate": 0.5, "noise_shape": [None, 2, 3]}, [STEPS], "does not spread.*3 entries"),
    ("dropout", {"rate": 0.5, "noise_shape": [None]}, [STEPS], "does not spread over"),
    ("alpha_dropout", {"rate": 0.5, "noise_shape": [None, 4]}, [STEPS], "does not spread over"),
    ("spatial_dropout1d", {"rate": 0.5}, [IMAGE], "expected an input of 3 axes"),
    ("spatial_dropout2d", {"rate": 0.5}, [STEPS], "expected an input of 4 axes"),
    (
        "add",
        {},
        [IMAGE, IMAGE, (None, 8, 5, 4)],
        r"inputs \(None, 8, 6, 4\) and \(None, 8, 5, 4\) do not fit each other; lengths",
    ),
    ("multiply", {}, [IMAGE, (None, 3)], r"\(None, 8, 6, 4\) and \(None, 3\) do not fit"),
    (
        "concatenate",
        {},
        [IMAGE, (None, 8, 5, 4)],
        r"\(None, 8, 6, 4\) and \(None, 8, 5, 4\) cannot be joined along axis -1",
    ),
    ("concatenate", {}, [IMAGE, STEPS], "cannot be joined"),
    ("concatenate", {"axis": 0}, [FLAT, FLAT], "cannot be joined along the batch"),
    (
        "dot",
        {"axes": 1},
        [STEPS, FLAT],
        r"axis 1 of \(None, 5, 3\) and axis 1 of",
    ),
    ("dot", {"axes": 0}, [FLAT, FLAT], "the batch cannot be summed over"),
    ("dot", {"axes": 2}, [FLAT, FLAT], "axis 2 does not exist"),
]

FIELDS = [
    ({"conv2d": {"filters": 0, "kernel_size": 3}}, "greater than 0"),
    ({"conv2d": {"filters": 2, "kernel_size": [3, 3, 3]}}, "at least 1 or a list of 2"),
    ({"conv2d": {"filters": 2, "kernel_size": 3, "strides": 0}}, "integer of at least 1"),
    (
        {"conv2d": {"filters": 3, "kernel_size": 3, "groups": 2}},
        "to be a multiple of groups",
    ),
    (
        {"conv2d": {"filters": 2, "kernel_size": 3, "strides": 2, "dilation_rate": 2}},
        "strides or dilation_rate to be 1",
    ),
    ({"conv2d": {"filters": 2, "kernel_size": 3, "padding": "causal"}}, "'valid' or 'same', found"),
    ({"conv2d": {"filters": 2, "kernel_size": 3, "activation": "rellu"}}, "did you mean 'relu'"),
    (
        {"conv2d": {"filters": 2, "kernel_size": 3, "activation": 3}},
        "expected an activation function",
    ),
    ({"conv2d": {"filters": 2, "kernel_size": True}}, "found True"),
    (
        {"batch_normalization": {"renorm_clipping": {"rmin": 2, "rmax": 1}}},
        "rmin of at most rmax, found 2.0 and 1.0",
    ),
    ({"conv1d": {"filters": 2, "kernel_size": [1, 2]}}, "integer of at least 1, found"),
    (
        {"conv2d_transpose": {"filters": 2, "kernel_size": 3, "output_padding": 1}},
        "output_padding to be less than strides",
    ),
    ({"activation": "threshold"}, "needs values for threshold and default_value"),
    ({"dropout": 1.5}, "less than or equal to 1"),
    ({"gaussian_dropout": 1.0}, "less than 1"),
    ({"permute": [1, 3]}, "each of the axes 1 to 2 once"),
    ({"reshape": [-1, -1]}, "at most one -1"),
    ({"zero_padding2d": [[1, 2, 3], 1]}, r"2 lists \[before, after\]"),
    ({"zero_padding1d": [1, 2, 3]}, r"integer of at least 0 or \[before, after\]"),
    ({"zero_padding2d": -1}, "at least 0"),
    ({"group_normalization": 0}, "or -1 for one a channel, found 0"),
    ({"normalization": {"mean": 1.0}}, "mean and variance, or neither"),
    ({"normalization": {"mean": [1.0], "variance": 1.0}}, "of one shape"),
    (
        {
            "resizing": {"height": 2, "width": 2, "crop_to_aspect_ratio": True}
            | {"pad_to_aspect_ratio": True}
        },
        "one of crop_to_aspect_ratio and pad",
    ),
    ({"up_sampling2d": {"interpolation": "linear"}}, "nearest"),
    ({"batch_normalization": {"synchronized": True}}, "synchronisation over replicas is not"),
    ({"rescaling": [[1.0, 2.0], [3.0]]}, "lists of one length"),
    ({"re_lu": {"threshold": -1.0}}, "greater than or equal to 0"),
]


@pytest.mark.parametrize(
    ("key", "fields", "inputs", "message"), SHAPES, ids=[f"{s[0]}-{s[3][:30]}" for s in SHAPES]
)
def test_shapes_that_do_not_fit(key, fields, inputs, message) -> None:
    layer = Layer.parse({key: fields})
    with pytest.raises(ShapeError, match=message):
        layer.output_shape(tuple(inputs))


@pytest.mark.parametrize(("written", "message"), FIELDS, ids=[f[1][:40] for f in FIELDS])
def test_fields_that_are_wrong(written, message) -> None:
    with pytest.raises(Exception, match=message) as caught:
        Layer.parse(written)
    assert type(caught.value).__name__ in ("ValidationError", "PydanticCustomError")


def test_unknown_lengths_stay_unknown() -> None:
    # Oracle: Keras' symbolic shapes for open images.
    open_image = (None, None, None, 3)
    shapes = {
        "conv2d": ({"filters": 4, "kernel_size": 3}, (None, None, None, 4)),
        "max_pooling2d": ({}, (None, None, None, 3)),
        "global_average_pooling2d": ({}, (None, 3)),
        "flatten": ({}, (None, None)),
        "zero_padding2d": ({}, (None, None, None, 3)),
        "cropping2d": ({"cropping": 1}, (None, None, None, 3)),
        "up_sampling2d": ({}, (None, None, None, 3)),
        "reshape": ({"target_shape": [-1, 3]}, (None, None, 3)),
        "conv2d_transpose": ({"filters": 2, "kernel_size": 3}, (None, None, None, 2)),
    }
    for key, (fields, expected) in shapes.items():
        assert Layer.parse({key: fields}).output_shape((open_image,)) == expected, key


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_layers_that_no_graph_can_hold_are_refused_with_the_reason(name) -> None:
    with pytest.raises(ValueError, match=rf"the layer '{name}' is not supported: it \w+"):
        Layer.parse({name: {}})
    text = json.dumps({"specc": 1, "inputs": {"x": [2]}, "layers": [{name: {"anything": 1}}]})
    with pytest.raises(SpecError, match=rf"the layer '{name}' is not supported: it \w+"):
        loads(text)


def test_keras_layers_that_no_graph_can_hold_are_refused_with_the_reason() -> None:
    source = {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 2]}}
    layer = {"class_name": "Lambda", "config": {"name": "l", "function": {}}}
    config = {"name": "m", "layers": [source, layer]}
    with pytest.raises(SpecError, match="the layer 'Lambda' is not supported: it runs Python"):
        from_keras({"class_name": "Sequential", "config": config})
