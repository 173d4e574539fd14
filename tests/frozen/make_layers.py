"""Writes layers.json: outputs and gradients of single layers, and keras_signatures.json.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_layers.py
Inputs, weights and cotangents are drawn again by `tests/layers/frozen.py` from the case's number,
with `numpy.random.default_rng`; only results are stored.
"""

import inspect
import json
import zlib
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent

# (Keras class, arguments, shapes of the inputs without batch, call in training, integers below)
IMAGE, WIDE, STEPS, FLAT = (5, 4, 4), (7, 6, 2), (6, 3), (5,)
VOLUME = (3, 4, 3, 2)
CASES = [
    ("Dense", {"units": 3}, [FLAT]),
    ("Dense", {"units": 4, "activation": "softmax", "use_bias": False}, [(3, 2)]),
    ("Conv1D", {"filters": 3, "kernel_size": 3}, [STEPS]),
    ("Conv1D", {"filters": 2, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, [STEPS]),
    ("Conv1D", {"filters": 4, "kernel_size": 2, "padding": "same", "strides": 3}, [STEPS]),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "activation": "relu"}, [IMAGE]),
    ("Conv2D", {"filters": 2, "kernel_size": [2, 4], "padding": "same"}, [IMAGE]),
    ("Conv2D", {"filters": 2, "kernel_size": 4, "strides": [2, 3], "padding": "same"}, [WIDE]),
    ("Conv2D", {"filters": 4, "kernel_size": 2, "groups": 2, "use_bias": False}, [IMAGE]),
    ("Conv2D", {"filters": 2, "kernel_size": 2, "dilation_rate": [2, 3]}, [WIDE]),
    ("Conv2D", {"filters": 2, "kernel_size": 2, "dilation_rate": 3, "padding": "same"}, [WIDE]),
    ("Conv2D", {"filters": 2, "kernel_size": 1, "strides": 2}, [IMAGE]),
    ("DepthwiseConv1D", {"kernel_size": 3, "depth_multiplier": 2}, [STEPS]),
    ("DepthwiseConv2D", {"kernel_size": 3, "strides": 2, "padding": "same"}, [IMAGE]),
    ("DepthwiseConv2D", {"kernel_size": 2, "depth_multiplier": 3, "activation": "tanh"}, [WIDE]),
    ("SeparableConv1D", {"filters": 4, "kernel_size": 2, "padding": "same"}, [STEPS]),
    ("SeparableConv2D", {"filters": 3, "kernel_size": 3, "depth_multiplier": 2}, [IMAGE]),
    ("Conv1DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2}, [STEPS]),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2}, [(4, 3, 2)]),
    (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 4, "strides": 2, "padding": "same"},
        [(3, 4, 2)],
    ),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 2, "strides": 3}, [(3, 2, 2)]),
    (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 3, "strides": 3, "padding": "same", "output_padding": [2, 1]},
        [(3, 2, 2)],
    ),
    (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 3, "strides": 2, "output_padding": 1},
        [(3, 2, 2)],
    ),
    ("Conv2DTranspose", {"filters": 2, "kernel_size": 2, "dilation_rate": 2}, [(3, 4, 2)]),
    ("MaxPooling1D", {"pool_size": 3, "strides": 2}, [STEPS]),
    ("MaxPooling1D", {"padding": "same"}, [STEPS]),
    ("MaxPooling2D", {}, [IMAGE]),
    ("MaxPooling2D", {"pool_size": [2, 3], "strides": [1, 2], "padding": "same"}, [IMAGE]),
    ("AveragePooling1D", {"pool_size": 3, "padding": "same"}, [STEPS]),
    ("AveragePooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, [WIDE]),
    ("AveragePooling2D", {"pool_size": [1, 2]}, [IMAGE]),
    ("GlobalAveragePooling1D", {}, [STEPS]),
    ("GlobalAveragePooling2D", {"keepdims": True}, [IMAGE]),
    ("GlobalMaxPooling1D", {"data_format": "channels_first"}, [STEPS]),
    ("GlobalMaxPooling2D", {}, [IMAGE]),
    ("Flatten", {}, [IMAGE]),
    ("Flatten", {"data_format": "channels_first"}, [IMAGE]),
    ("Reshape", {"target_shape": [5, -1]}, [IMAGE]),
    ("Permute", {"dims": [3, 1, 2]}, [IMAGE]),
    ("RepeatVector", {"n": 3}, [FLAT]),
    ("ZeroPadding1D", {"padding": [2, 0]}, [STEPS]),
    ("ZeroPadding2D", {"padding": [[1, 0], [0, 2]]}, [IMAGE]),
    ("ZeroPadding2D", {"padding": [1, 2], "data_format": "channels_first"}, [IMAGE]),
    ("Cropping1D", {"cropping": [1, 2]}, [STEPS]),
    ("Cropping2D", {"cropping": [[1, 2], [0, 1]]}, [IMAGE]),
    ("UpSampling1D", {"size": 3}, [(3, 2)]),
    ("UpSampling2D", {"size": [2, 3]}, [(2, 3, 2)]),
    ("UpSampling2D", {"data_format": "channels_first"}, [(2, 3, 2)]),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}, [FLAT]),
    ("LeakyReLU", {}, [FLAT]),
    ("PReLU", {"shared_axes": [1, 2]}, [IMAGE]),
    ("ELU", {"alpha": 0.7}, [FLAT]),
    ("Softmax", {"axis": 1}, [STEPS]),
    ("Softmax", {"axis": [1, 3]}, [IMAGE]),
    ("BatchNormalization", {}, [IMAGE]),
    ("BatchNormalization", {}, [IMAGE], True),
    ("BatchNormalization", {"axis": 1, "scale": False, "momentum": 0.8}, [STEPS], True),
    ("BatchNormalization", {"center": False, "epsilon": 0.1}, [STEPS], True),
    ("BatchNormalization", {"trainable": False}, [FLAT], True),
    ("LayerNormalization", {}, [STEPS]),
    ("LayerNormalization", {"axis": [1, 2], "center": False}, [IMAGE]),
    ("LayerNormalization", {"axis": [3, 1], "scale": False, "epsilon": 0.01}, [IMAGE]),
    ("GroupNormalization", {"groups": 2}, [IMAGE]),
    ("GroupNormalization", {"groups": -1, "axis": 1}, [IMAGE]),
    ("RMSNormalization", {}, [STEPS]),
    ("RMSNormalization", {"axis": [1, 2]}, [STEPS]),
    ("UnitNormalization", {"axis": [1, 2]}, [STEPS]),
    ("Normalization", {}, [STEPS]),
    ("Normalization", {"mean": [0.5, -1.0, 2.0], "variance": [1.0, 4.0, 0.25]}, [STEPS]),
    ("Normalization", {"axis": None, "mean": 0.5, "variance": 4.0, "invert": True}, [STEPS]),
    ("Rescaling", {"scale": 0.5, "offset": [1.0, 0.0, -1.0]}, [STEPS]),
    ("Identity", {}, [STEPS]),
    ("Add", {}, [STEPS, STEPS, (1, 3)]),
    ("Add", {}, [IMAGE, (4,)]),
    ("Subtract", {}, [STEPS, (6, 1)]),
    ("Multiply", {}, [IMAGE, (1, 1, 4)]),
    ("Average", {}, [STEPS, STEPS, STEPS]),
    ("Maximum", {}, [STEPS, STEPS]),
    ("Minimum", {}, [STEPS, STEPS]),
    ("Concatenate", {}, [STEPS, (6, 2)]),
    ("Concatenate", {"axis": 1}, [STEPS, (2, 3), (1, 3)]),
    ("Dot", {"axes": 1}, [FLAT, FLAT]),
    ("Dot", {"axes": [2, 1], "normalize": True}, [(4, 5), (5, 3)]),
    ("Dot", {"axes": -1}, [(2, 4, 5), (3, 5)]),
    ("Dropout", {"rate": 0.5}, [FLAT]),
    ("AlphaDropout", {"rate": 0.3}, [FLAT]),
    *[
        ("Activation", {"activation": name}, [(3, 8)])
        for name in sorted(keras.src.activations.ALL_OBJECTS_DICT)
        # Keras' sparsemax is wrong beyond one element of support, threshold needs arguments.
        if name not in ("sparsemax", "threshold")
    ],
    ("Conv3D", {"filters": 2, "kernel_size": [2, 3, 1], "strides": 2, "padding": "same"}, [VOLUME]),
    ("Conv3D", {"filters": 4, "kernel_size": 2, "groups": 2, "activation": "relu"}, [VOLUME]),
    ("Conv3D", {"filters": 2, "kernel_size": 2, "dilation_rate": [1, 2, 1]}, [VOLUME]),
    (
        "Conv3DTranspose",
        {"filters": 2, "kernel_size": 3, "strides": [1, 2, 2], "padding": "same"},
        [(2, 3, 2, 2)],
    ),
    (
        "Conv3DTranspose",
        {"filters": 2, "kernel_size": 2, "strides": 2, "output_padding": [1, 0, 1]},
        [(2, 2, 2, 3)],
    ),
    ("MaxPooling3D", {}, [VOLUME]),
    ("MaxPooling3D", {"pool_size": [1, 3, 2], "strides": 2, "padding": "same"}, [VOLUME]),
    ("AveragePooling3D", {"pool_size": [2, 3, 2], "strides": 2, "padding": "same"}, [VOLUME]),
    ("GlobalAveragePooling3D", {"data_format": "channels_first"}, [VOLUME]),
    ("GlobalMaxPooling3D", {"keepdims": True}, [VOLUME]),
    ("ZeroPadding3D", {"padding": [[1, 0], [0, 2], [1, 1]]}, [(2, 1, 2, 2)]),
    ("ZeroPadding3D", {"padding": [1, 0, 2], "data_format": "channels_first"}, [(2, 1, 2, 1)]),
    ("Cropping3D", {"cropping": [[1, 0], [0, 2], [1, 1]]}, [VOLUME]),
    ("UpSampling3D", {"size": [1, 2, 3]}, [(2, 1, 2, 2)]),
    ("AdaptiveAveragePooling1D", {"output_size": 4}, [STEPS]),
    ("AdaptiveAveragePooling2D", {"output_size": [5, 3]}, [WIDE]),
    ("AdaptiveAveragePooling3D", {"output_size": 2, "data_format": "channels_first"}, [VOLUME]),
    ("AdaptiveMaxPooling1D", {"output_size": 4, "data_format": "channels_first"}, [(2, 6)]),
    ("AdaptiveMaxPooling2D", {"output_size": [5, 3]}, [WIDE]),
    ("AdaptiveMaxPooling3D", {"output_size": 2}, [VOLUME]),
    ("UpSampling2D", {"size": [2, 3], "interpolation": "bilinear"}, [(2, 3, 2)]),
    ("UpSampling2D", {"interpolation": "bicubic", "data_format": "channels_first"}, [(2, 3, 2)]),
    ("UpSampling2D", {"interpolation": "lanczos3"}, [(2, 3, 2)]),
    ("Resizing", {"height": 7, "width": 3}, [IMAGE]),
    ("Resizing", {"height": 3, "width": 5, "interpolation": "nearest"}, [IMAGE]),
    # Factors for which TensorFlow's table of bicubic weights is exact.
    ("Resizing", {"height": 10, "width": 2, "interpolation": "bicubic"}, [IMAGE]),
    ("Resizing", {"height": 3, "width": 3, "antialias": True, "interpolation": "bicubic"}, [WIDE]),
    ("Resizing", {"height": 3, "width": 4, "antialias": True}, [WIDE]),
    ("Resizing", {"height": 4, "width": 5, "interpolation": "lanczos5"}, [WIDE]),
    ("Resizing", {"height": 4, "width": 2, "crop_to_aspect_ratio": True}, [WIDE]),
    (
        "Resizing",
        {"height": 3, "width": 6, "pad_to_aspect_ratio": True, "fill_value": 0.5},
        [WIDE],
    ),
    ("CenterCrop", {"height": 4, "width": 3}, [WIDE]),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 4, "bias_axes": "c"}, [FLAT]),
    (
        "EinsumDense",
        {"equation": "abc,bcd->adb", "output_shape": [3, 6], "bias_axes": "b"},
        [STEPS],
    ),
    (
        "EinsumDense",
        {"equation": "...x,yx->...y", "output_shape": 2, "bias_axes": "y", "activation": "tanh"},
        [IMAGE],
    ),
    ("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": 2, "bias_axes": "c"}, [STEPS]),
    ("EinsumDense", {"equation": "abcd,cef->aebf", "output_shape": [2, 5, 3]}, [IMAGE]),
    ("Attention", {}, [(3, 4), (5, 4)]),
    ("Attention", {"use_scale": True, "score_mode": "concat"}, [(3, 4), (5, 2), (5, 4)]),
    ("AdditiveAttention", {}, [(3, 4), (5, 4)]),
    ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}, [(3, 4), (5, 4)]),
    (
        "MultiHeadAttention",
        {"num_heads": 2, "key_dim": 3, "value_dim": 2, "output_shape": 5, "use_gate": True},
        [(3, 4), (5, 2), (5, 3)],
    ),
    (
        "MultiHeadAttention",
        {"num_heads": 3, "key_dim": 2, "attention_axes": 2, "use_bias": False},
        [(2, 3, 4), (2, 3, 4)],
    ),
    ("MultiHeadAttention", {"num_heads": 1, "key_dim": 2, "sliding_window": 2}, [STEPS, STEPS]),
    (
        "GroupQueryAttention",
        {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2, "use_gate": True},
        [(3, 4), (5, 4)],
    ),
    (
        "GroupQueryAttention",
        {"head_dim": 3, "num_query_heads": 3, "num_key_value_heads": 1, "sliding_window": 2},
        [STEPS, STEPS],
    ),
    ("AdditiveAttention", {"use_scale": False}, [(3, 4), (5, 2), (5, 4)]),
    ("CenterCrop", {"height": 8, "width": 3, "data_format": "channels_first"}, [(2, 6, 7)]),
    ("CategoryEncoding", {"num_tokens": 6}, [(4,)], False, 6),
    ("CategoryEncoding", {"num_tokens": 6, "output_mode": "count"}, [(4,)], False, 6),
    ("CategoryEncoding", {"num_tokens": 5, "output_mode": "one_hot"}, [(3,)], False, 5),
    ("CategoryEncoding", {"num_tokens": 5, "output_mode": "one_hot"}, [(1,)], False, 5),
    ("Discretization", {"bin_boundaries": [-1.0, -0.2, 0.4]}, [STEPS]),
    ("Discretization", {"bin_boundaries": [-1.0, 0.4], "output_mode": "one_hot"}, [(4,)]),
    ("Discretization", {"bin_boundaries": [-1.0, 0.4], "output_mode": "multi_hot"}, [(4,)]),
    ("Discretization", {"bin_boundaries": [-0.5, 0.4], "output_mode": "count"}, [STEPS]),
    *[
        ("STFTSpectrogram", {"mode": mode, "frame_length": 4, "fft_length": 8}, [(11, 2)])
        for mode in ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
    ],
    (
        "STFTSpectrogram",
        {"frame_length": 4, "frame_step": 3, "padding": "same", "expand_dims": True},
        [(9, 2)],
    ),
    (
        "STFTSpectrogram",
        {"mode": "psd", "frame_length": 4, "expand_dims": True, "data_format": "channels_first"},
        [(2, 9)],
    ),
    ("STFTSpectrogram", {"frame_length": 4, "data_format": "channels_first"}, [(2, 9)]),
    (
        "MelSpectrogram",
        {"fft_length": 16, "sequence_stride": 5, "sampling_rate": 100, "num_mel_bins": 3},
        [(20,)],
    ),
    (
        "MelSpectrogram",
        {
            "fft_length": 15,
            "sequence_stride": 4,
            "sequence_length": 10,
            "window": "hamming",
            "sampling_rate": 100,
            "num_mel_bins": 4,
            "min_freq": 5.0,
            "max_freq": 40,
            "power_to_db": False,
            "mag_exp": 1.0,
        },
        [(21,)],
    ),
    (
        "MelSpectrogram",
        {
            "fft_length": 8,
            "sequence_stride": 4,
            "window": None,
            "sampling_rate": 50,
            "num_mel_bins": 2,
            "min_freq": 1.0,
            "top_db": 3.0,
            "ref_power": 2.0,
        },
        [(18,)],
    ),
    ("Dense", {"units": 3, "lora_rank": 2, "kernel_regularizer": "l2"}, [FLAT]),
    (
        "EinsumDense",
        {
            "equation": "abc,cd->abd",
            "output_shape": [None, 2],
            "bias_axes": "d",
            "lora_rank": 1,
            "lora_alpha": 3,
        },
        [STEPS],
    ),
    ("SpectralNormalization", {"layer": {"Dense": {"units": 3}}}, [FLAT]),
    (
        "SpectralNormalization",
        {"layer": {"Conv2D": {"filters": 2, "kernel_size": 2}}, "power_iterations": 2},
        [IMAGE],
        True,
    ),
    ("BatchNormalization", {"renorm": True}, [STEPS]),
    ("BatchNormalization", {"renorm": True, "momentum": 0.8, "scale": False}, [IMAGE], True),
    (
        "BatchNormalization",
        {
            "renorm": True,
            "renorm_clipping": {"rmin": 0.7, "rmax": 1.1, "dmax": 0.4},
            "renorm_momentum": 0.6,
            "axis": 1,
        },
        [(4, 3)],
        True,
    ),
]
BATCH = 2


def draw(case, shapes, weights, integers=None):
    """Inputs, weight values and the seed of the cotangent, all from the case's number."""
    rng = np.random.default_rng(case)
    if integers is None:
        inputs = [rng.normal(size=(BATCH, *shape)).astype(np.float32) for shape in shapes]
    else:
        inputs = [rng.integers(0, integers, (BATCH, *shape), np.int32) for shape in shapes]
    values = [rng.uniform(0.5, 1.5, shape).astype(np.float32) for shape in weights]
    return rng, inputs, values


def below(layer, w):
    """A weight's path without its layer's name; sub-layers repeat mere names."""
    return w.path.removeprefix(f"{layer.name}/")


def called(layer, tensors, **options):
    """One call: tensors as a list, or one by one where the layer wants that."""
    if "query" in inspect.signature(layer.call).parameters:
        return layer(*tensors, **options)
    return layer(tensors if len(tensors) > 1 else tensors[0], **options)


def digits(x):
    """Numbers that read back to float32 of 6 digits, as one flat list."""
    return [float(f"{v:.6g}") for v in np.asarray(x, np.float64).ravel()]


def made(cls, kwargs):
    """A layer; one inside another is written as {class: arguments} and called like its class."""
    inner = {
        name: made(*next(iter(value.items()))) if name == "layer" else value
        for name, value in kwargs.items()
    }
    return getattr(keras.layers, cls)(**inner, name=keras.src.utils.naming.to_snake_case(cls))


def written(cls, kwargs):
    """The same in a spec's words."""
    inner = {
        name: written(*next(iter(value.items()))) if name == "layer" else value
        for name, value in kwargs.items()
    }
    return {keras.src.utils.naming.to_snake_case(cls): inner}


def compute(number, cls, kwargs, shapes, training=False, integers=None):
    layer = made(cls, kwargs)
    symbols = [keras.Input(shape, dtype="int32" if integers else None) for shape in shapes]
    symbolic = called(layer, symbols)
    own = layer.weights
    rng, inputs, values = draw(number, shapes, [w.shape for w in own], integers)
    for w, v in zip(own, values, strict=True):
        w.assign(v.astype(w.dtype))
    if hasattr(layer, "finalize_state"):
        layer.finalize_state()
    tensors = [tf.constant(x) for x in inputs]
    trainable = layer.trainable_weights
    options = {"training": training} if layer._call_has_training_arg else {}
    watched = [] if integers else tensors
    with tf.GradientTape() as tape:
        tape.watch(watched)
        y = called(layer, tensors, **options)
        dy = rng.normal(size=y.shape).astype(np.float32)
        total = tf.reduce_sum(tf.cast(y, tf.float32) * dy)
    wanted = [*watched, *[w.value for w in trainable]]
    grads = tape.gradient(total, wanted, unconnected_gradients="zero")
    after = {
        below(layer, w): digits(w.numpy())
        for w, v in zip(own, values, strict=True)
        if not np.array_equal(w.numpy(), v.astype(w.dtype))
    }
    case = {
        "layer": written(cls, kwargs),
        "number": number,
        "training": training,
        "inputs": [list(shape) for shape in shapes],
        **({"integers": integers} if integers else {}),
        "output": [None, *y.shape[1:]],
        "symbolic": list(symbolic.shape),
        "weights": [[below(layer, w), list(w.shape), w.dtype, w.trainable] for w in own],
        "params": layer.count_params(),
        "y": digits(y),
        "gx": [digits(g) for g in grads[: len(watched)]],
        "gw": {
            below(layer, w): digits(g)
            for w, g in zip(trainable, grads[len(watched) :], strict=True)
        },
        "after": after,
    }
    return case


def plain(value):
    """A default as JSON."""
    return list(map(plain, value)) if isinstance(value, tuple) else value


def signatures():
    """Parameters and defaults of every layer's constructor and of every activation function."""
    layers = {}
    for name, cls in sorted(vars(keras.layers).items()):
        if inspect.isclass(cls) and issubclass(cls, keras.layers.Layer):
            parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
            # Under its exported name and its own, which configurations and summaries have.
            layers[name] = layers[cls.__name__] = [
                [p.name] if p.default is p.empty else [p.name, plain(p.default)]
                for p in parameters
                if p.kind is p.POSITIONAL_OR_KEYWORD
            ]
    functions = {}
    for name, function in sorted(keras.src.activations.ALL_OBJECTS_DICT.items()):
        parameters = list(inspect.signature(function).parameters.values())[1:]
        functions[name] = {p.name: None if p.default is p.empty else p.default for p in parameters}
    return {"layers": layers, "activations": functions}


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    cases = [compute(100 + i, *case) for i, case in enumerate(CASES)]
    text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (HERE / "layers.json").write_text(f"[\n{text}\n]\n")
    found = json.dumps(signatures(), separators=(",", ":"), default=repr)
    (HERE / "keras_signatures.json").write_text(found.replace('],"', '],\n"') + "\n")
    print(len(cases), zlib.crc32(text.encode()))
