"""Writes operations.json.gz: functional models made of keras.ops, their outputs and gradients.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_operations.py
Inputs and cotangents are drawn again by `tests/keras_import/frozen_operations.py` from the case's
number; only configurations and results are stored.
"""

import gzip
import importlib
import inspect
import json
import random
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import ops

HERE = Path(__file__).parent
BATCH = 2
SHAPES = {"x": (4, 6), "p": (4, 6), "v": (6,), "i": (4,)}

# Each is an expression of x (normal), p (0.5 to 1.5), v (normal), i (0 to 3, int32), and n: x with
# elements that are no numbers. TensorFlow has no gradient of hsv_to_rgb.
SINGLE = """
x[:, 0] | x[:, 1:3, ...] | x[..., None] | x[:, ::-1] | x[:, -1, 2:] | x[:, None, 1:-1:2] | i[:, 1]
1.0 - x | x / 2 | x // 0.7 | x % 0.7 | x**2 | p**0.5 | 2.0**x | -x | abs(x) | x + p | i + 1
i // 2 | i % 3 | i * 2.5 | i / 3 | i - i[:, :1] | x + i[..., None]
ops.cast(i > 1, "int32") + (i < 3) | x * (x > 0) | x > 0 | x >= p | x < v[:, None] | x <= 0.5
ops.equal(i, 2) | ops.not_equal(i, 2) | ops.equal(x > 0, p > 1) | x + np.arange(6)
x * np.arange(24, dtype="float32").reshape(4, 6) | ops.subtract(np.ones((6,), "float32"), x)
x @ ops.transpose(p, (0, 2, 1)) | ops.matmul(x, np.arange(12, dtype="float32").reshape(6, 2))
ops.matmul(v, np.arange(12, dtype="float32").reshape(6, 2)) | ops.matmul(x, np.arange(6.0))
ops.dot(x, np.ones((6, 2), "float32")) | ops.tensordot(x, np.arange(12.0).reshape(6, 2), axes=1)
ops.tensordot(x, np.arange(8.0).reshape(2, 4), axes=[[1], [1]]) | ops.einsum("bij,bkj->bik", x, p)
ops.einsum("bij->bji", x) | ops.einsum("bij,bij->b", x, p) | ops.einsum("...j,...j->...", x, p)
ops.einsum("bij,bj->bi", x, v) | ops.einsum("bij,bij->bj", x, p)
ops.einsum("bij,bik,bk->j", x, p, p[:, 0]) | ops.concatenate([x, p], axis=1)
ops.concatenate([x, i[..., None]], axis=-1) | ops.stack([x, p], axis=1)
ops.stack([v, v], axis=-1) | ops.where(x > 0, x, 0.0) | ops.where(i > 1, i, -1)
ops.where(x > p, x, p) | ops.where(x > 0, 1.0, np.arange(6, dtype="float32"))
ops.clip(x, -0.5, 0.5) | ops.clip(i, 1, 2) | ops.expand_dims(x, -1) | ops.expand_dims(x, (1, 3))
ops.squeeze(ops.expand_dims(x, 1)) | ops.squeeze(ops.expand_dims(x, 2), axis=2)
ops.mean(x, axis=1) | ops.mean(i, axis=-1, keepdims=True) | ops.sum(x, axis=(1, 2), keepdims=True)
ops.sum(i, axis=1) | ops.sum(x > 0, axis=1) | ops.max(x, axis=1) | ops.min(x, axis=-1)
ops.amax(x, axis=-1) | ops.amin(x, axis=1) | ops.ptp(x, axis=1) | ops.max(i, axis=1, initial=2)
ops.var(x, axis=-1) | ops.std(x, axis=1, keepdims=True) | ops.logsumexp(x, axis=-1)
ops.any(x > 1, axis=1) | ops.all(x > -1, axis=-1) | ops.count_nonzero(i, axis=1)
ops.norm(x, axis=-1) | ops.norm(x, ord=1, axis=1) | ops.norm(x, ord=np.inf, axis=1)
ops.norm(x, axis=(1, 2)) | ops.normalize(x) | ops.normalize(x, axis=1, order=1)
ops.moments(x, axes=[1])[0] | ops.moments(x, axes=[1, 2], keepdims=True)[1]
ops.argmax(x, axis=1) | ops.argmin(x, axis=-1, keepdims=True) | ops.cumsum(x, axis=1)
ops.cumsum(i, axis=1) | ops.reshape(x, (-1, 24)) | ops.reshape(x, (-1, 4, 2, 3))
ops.reshape(x, (-1, 6)) | ops.transpose(x, (0, 2, 1)) | ops.swapaxes(x, 1, -1)
ops.moveaxis(x, 1, 2) | ops.broadcast_to(ops.mean(x, axis=0), (3, 4, 6))
ops.repeat(x, 2, axis=1) | ops.repeat(v, [1, 0, 2, 1, 1, 1], axis=1) | ops.tile(x, (1, 2, 1))
ops.tile(x, 2) | ops.pad(x, [[0, 0], [1, 2], [0, 0]])
ops.pad(x, [[0, 0], [1, 0], [0, 1]], constant_values=3.0)
ops.pad(x, ((0, 0), (2, 1), (0, 0)), mode="reflect") | ops.flip(x, axis=1)
ops.roll(x, 2, axis=-1) | ops.roll(x, -1, axis=1) | ops.split(x, 2, axis=-1)[1]
ops.split(x, [1, 3], axis=1)[2] | ops.unstack(x, axis=1)[3]
ops.take(x, np.array([0, -1, 2]), axis=1) | ops.take(x, [[0, 2], [1, 1]], axis=-1)
ops.take(np.arange(8.0).reshape(4, 2), i, axis=0) | ops.take_along_axis(x, i[..., None], axis=2)
ops.take_along_axis(x, i[..., None] % 4, axis=1) | ops.sort(x, axis=1) | ops.sort(x)
ops.one_hot(i, 4) | ops.one_hot(i, 5, axis=1) | ops.cast(x > 0, "float32")
ops.cast(x * 3, "int32") | ops.zeros_like(x) | ops.ones_like(i) | ops.full_like(x, 3.0)
ops.relu(x) | ops.relu6(x * 4) | ops.sigmoid(x) | ops.softplus(x) | ops.softsign(x)
ops.soft_shrink(x) | ops.silu(x) | ops.squareplus(x) | ops.log_sigmoid(x) | ops.leaky_relu(x)
ops.leaky_relu(x, negative_slope=0.3) | ops.hard_sigmoid(x) | ops.hard_silu(x)
ops.elu(x, alpha=0.5) | ops.selu(x) | ops.gelu(x) | ops.gelu(x, approximate=False)
ops.celu(x, alpha=0.7) | ops.glu(x) | ops.glu(x, axis=1) | ops.tanh_shrink(x) | ops.hard_tanh(x)
ops.hard_shrink(x) | ops.threshold(x, 0.2, -1.0) | ops.softmax(x) | ops.softmax(x, axis=1)
ops.log_softmax(x, axis=1) | ops.sparse_plus(x * 2) | ops.sparse_sigmoid(x) | ops.absolute(i - 2)
ops.exp(x) | ops.expm1(x) | ops.exp2(x) | ops.log(p) | ops.log1p(p) | ops.log2(p) | ops.log10(p)
ops.sqrt(p) | ops.rsqrt(p) | ops.cbrt(p) | ops.square(i) | ops.reciprocal(p) | ops.sign(x)
ops.floor(x) | ops.ceil(x) | ops.trunc(x * 2) | ops.round(x * 2) | ops.round(x, 1) | ops.erfc(x)
ops.sin(x) | ops.cos(x) | ops.tan(x * 0.5) | ops.sinh(x) | ops.cosh(x) | ops.tanh(x)
ops.arcsinh(x) | ops.arccosh(p + 1) | ops.arctanh(x / 4) | ops.erf(x) | ops.deg2rad(x)
ops.rad2deg(x) | ops.logical_not(x > 0) | ops.isnan(x) | ops.isinf(x) | ops.isfinite(x)
ops.stop_gradient(x) * p | ops.copy(x) | ops.divide_no_nan(x, i[..., None]) | ops.divide(x, 3)
ops.true_divide(i, 2) | ops.maximum(x, p) | ops.minimum(x, 0.1) | ops.hypot(x, p)
ops.logaddexp(x, p) | ops.power(i, 3) | ops.mod(x, p) | ops.logical_and(x > 0, p > 1)
ops.logical_or(x > 0, p > 1) | ops.logical_xor(x > 0, p > 1) | ops.square(x) | ops.ravel(x)
ops.sum(x) | ops.multiply(2.0, x) | ops.subtract(x1=1.0, x2=x)
ops.add(x1=x, x2=p)
ops.top_k(x, 3)[0] | ops.top_k(x, 3)[1] | ops.argsort(x, axis=1) | ops.argsort(i) | ops.tril(x)
ops.triu(x, k=1) | ops.arctan(x) | ops.arcsin(x / 4) | ops.arccos(x / 4) | ops.max_pool(x, 2)
ops.average_pool(x, 3, strides=2, padding="same") | ops.layer_normalization(x)
ops.max_pool(x[..., None], (2, 3), strides=1) | ops.rms_normalization(x, axis=1)
ops.dot_product_attention(x[:, None], p[:, None], p[:, None])
ops.dot_product_attention(x[..., None], p[..., None], p[..., None], is_causal=True)
ops.fabs(i - 2) | ops.signbit(x) | ops.isposinf(1 / (i * 1.0))
ops.isneginf(-1 / (i * 1.0)) | ops.isinf(ops.nan_to_num(1 / (i * 1.0))) | ops.sinc(x)
ops.nan_to_num(i / i, nan=2.5) | ops.nan_to_num(1 / (i * 1.0), posinf=7.0) | ops.sinc(i)
ops.nan_to_num(-1 / (i * 1.0), neginf=-3.0) | ops.arctan2(x, p) | ops.arctan2(x, v[:, None])
ops.heaviside(x, p) | ops.heaviside(i - 1, i) | ops.fmod(x * 3, p) | ops.fmod(i - 2, 2)
ops.fmax(x, p) | ops.fmin(x, 0.2) | ops.fmax(i / i, 0.5) | ops.fmin(i, 2) | ops.logaddexp2(x, p)
ops.isclose(x, x + 1e-9) | ops.isclose(x, p, rtol=0.5, atol=0.1) | ops.isclose(i, 2)
ops.isclose(i / i, i / i, equal_nan=True) | ops.prod(x, axis=1) | ops.prod(x, axis=(1, 2))
ops.prod(i, axis=-1, keepdims=True) | ops.prod(x > 0, axis=1) | ops.prod(i, axis=1, dtype="float32")
ops.cumprod(x, axis=1) | ops.cumprod(x, axis=-1) | ops.cumprod(i, axis=1) | ops.diff(x)
ops.diff(x, axis=1, n=2) | ops.diff(i, axis=1) | ops.diff(x > 0, axis=1) | ops.median(x, axis=1)
ops.median(x, axis=-1, keepdims=True) | ops.median(x[:, 1:], axis=1) | ops.median(i, axis=1)
ops.median(x, axis=(1, 2), keepdims=True) | ops.average(x, axis=1) | ops.average(x)
ops.average(x, axis=1, weights=np.arange(1.0, 5.0, dtype="float32"))
ops.average(x, axis=2, weights=p) | ops.diagonal(x, axis1=1, axis2=2)
ops.diagonal(x, offset=2, axis1=1, axis2=2) | ops.diagonal(x, offset=-1, axis1=2, axis2=1)
ops.trace(x, axis1=1, axis2=2) | ops.trace(x, offset=-2, axis1=1, axis2=2)
ops.trace(x > 0, axis1=1, axis2=2) | ops.cross(x[..., :3], p[..., 3:])
ops.cross(x[..., :2], p[..., 3:]) | ops.cross(x[..., :2], p[..., 4:])
ops.cross(x[:, 1:], p[:, :3], axis=1) | ops.cross(x[..., :3], np.arange(3, dtype="float32"))
ops.append(x, p, axis=1) | ops.append(x, i[..., None], axis=-1) | ops.hstack([x, p])
ops.hstack([v, i]) | ops.dstack([x, p]) | ops.dstack([v, v * 2]) | ops.fliplr(x)
ops.rot90(x, axes=(1, 2)) | ops.rot90(x, k=3, axes=(1, 2)) | ops.rot90(x[..., :4], k=2, axes=(1, 2))
ops.rot90(x, k=-1, axes=(2, 1))
ops.slice(ops.mean(x, axis=0), [1, 2], [2, -1])
ops.saturate_cast(x * 200, "uint8") | ops.saturate_cast(i * 100, "int8")
ops.saturate_cast(x * 3, "int32")
ops.image.rgb_to_grayscale(ops.reshape(x, (-1, 2, 4, 3))) | ops.image.rgb_to_grayscale(x[..., None])
ops.image.rgb_to_grayscale(ops.reshape(x, (-1, 3, 2, 4)), data_format="channels_first")
ops.image.resize(x[..., None], (7, 3)) | ops.image.resize(x[..., None], [8, 9], "nearest")
ops.image.resize(x[..., None], (3, 3), interpolation="bicubic", antialias=True)
ops.image.resize(x[..., None], (3, 3), crop_to_aspect_ratio=True)
ops.image.pad_images(x[..., None], 1, 2, 3, 0) | ops.image.crop_images(x[..., None], 1, 2, 0, 1)
ops.image.pad_images(x[..., None], 1, 2, target_height=7, target_width=9)
ops.image.crop_images(x[..., None], None, 2, 1, target_height=2, target_width=3)
ops.image.extract_patches(ops.reshape(x, (-1, 4, 3, 2)), 2)
ops.image.extract_patches(x[..., None], (2, 3), strides=1, padding="same")
ops.image.extract_patches(x[..., None], (2, 2), strides=1, dilation_rate=2)
ops.nansum(n, axis=1) | ops.nansum(i, axis=1) | ops.nanmean(n, axis=-1, keepdims=True)
ops.nanvar(n, axis=1) | ops.nanstd(n, axis=(1, 2)) | ops.nanmax(n, axis=2) | ops.nanmin(n, axis=1)
ops.nanmax(i, axis=1) | ops.nanprod(n, axis=1) | ops.nancumsum(n, axis=2)
ops.nancumprod(n, axis=1)
ops.isnan(ops.nanmean(n + ops.log(x[:, :, :1] * 0 - 1), axis=1))
ops.isnan(ops.nanmin(ops.log(x * 0 - 1), axis=1)) | ops.digitize(x, np.array([-1.0, 0.0, 0.5]))
ops.digitize(i, np.array([1, 2]))
ops.searchsorted(np.array([-0.1, 0.1], "float32"), x[:, 0, 0])
ops.searchsorted(np.array([0, 2, 3], "float32"), x[:, 1, 2] * 2, side="right")
ops.isin(i, np.array([1, 3]))
ops.isin(i, np.array([0]), invert=True) | ops.in_top_k(i[:, 0], x[:, 0], k=2)
ops.in_top_k(i[:, 1], ops.round(p[:, 0]), k=1) | ops.quantile(x, 0.3, axis=1)
ops.quantile(x, 0.5, axis=(1, 2), keepdims=True) | ops.quantile(i, 1.0, axis=1)
ops.percentile(x, 30.0, axis=1) | ops.percentile(x, 40.0, axis=2, method="nearest")
ops.percentile(x, 40.0, axis=2, method="lower", keepdims=True)
ops.percentile(x, 41.0, axis=1, method="higher")
ops.percentile(x, 61.0, axis=-1, method="midpoint")
ops.array_split(x, 4, axis=2)[1] | ops.array_split(x, 3, axis=-2)[0] | ops.hsplit(x, 2)[1]
ops.hsplit(x, [1, 3])[2] | ops.dsplit(x, 3)[0] | ops.ldexp(x, i[..., None]) | ops.ldexp(x, 3)
ops.inner(x, np.arange(6, dtype="float32")) | ops.inner(x, np.arange(12.0).reshape(2, 6))
ops.cdist(x, p) | ops.cdist(x, np.arange(12, dtype="float32").reshape(2, 6)) | ops.trapezoid(x)
ops.trapezoid(x, dx=0.5, axis=1) | ops.trapezoid(p, x=[0.0, 1.0, 3.0, 4.0, 4.5, 6.0])
ops.nn.depth_to_space(ops.reshape(x, (-1, 2, 3, 4)), 2)
ops.nn.space_to_depth(ops.reshape(x, (-1, 2, 4, 3)), 2)
ops.nn.depth_to_space(ops.reshape(x, (-1, 4, 2, 3)), 2, data_format="channels_first")
ops.extract_sequences(x, 3, 2) | ops.extract_sequences(x[:, 0], 4, 1)
ops.image.rgb_to_hsv(ops.reshape(p, (-1, 2, 4, 3)) / 1.5) | ops.image.sobel_edges(x[..., None])
ops.image.hsv_to_rgb(ops.stop_gradient(ops.reshape(p, (-1, 2, 4, 3))) / 1.6)
ops.image.rgb_to_hsv(ops.reshape(p, (-1, 3, 2, 4)) / 1.5, data_format="channels_first")
ops.image.sobel_edges(ops.reshape(x, (-1, 2, 3, 4)), data_format="channels_first")
ops.convert_to_tensor(x) | ops.convert_to_tensor(i, dtype="float32")
ops.isnan(ops.median(n, axis=1)) | ops.isnan(ops.quantile(n, 0.4, axis=(1, 2), keepdims=True))
ops.isfinite(ops.percentile(ops.exp(x * 300), 50.0, axis=2, method="lower"))
ops.nan_to_num(ops.nanmean(n + ops.log(x[:, :, :1] * 0 - 1), axis=1))
ops.ldexp(x, i[..., None] * 30)
""".replace("\n", "|").split("|")

# Steps of random models: functions of tensors of shape (batch, 4, 6), all of them tame.
UNARY = """
ops.tanh(a) | a * 0.5 | 1.0 - a | ops.softmax(a, axis=1) | ops.sigmoid(a) | ops.flip(a, axis=2)
ops.reshape(ops.reshape(a, (-1, 24)), (-1, 4, 6)) | ops.mean(a, axis=1, keepdims=True) + a
a[:, ::-1] - a | ops.swapaxes(ops.swapaxes(a, 1, 2), 1, 2)
ops.concatenate([a[:, 2:], a[:, :2]], axis=1) | ops.roll(a, 1, axis=2)
ops.sqrt(ops.square(a) + 1) | ops.where(a > 0, a, a * 0.1) | ops.clip(a, -1.5, 1.5)
a - ops.max(a, axis=2, keepdims=True) | keras.layers.Dense(6, activation="tanh")(a)
keras.layers.LayerNormalization()(a) | ops.stack(ops.unstack(a, axis=1), axis=1)
a / (ops.std(a, axis=(1, 2), keepdims=True) + 0.5)
ops.matmul(a, np.full((6, 6), 0.2, "float32")) | ops.sort(a, axis=2)
""".replace("\n", "|").split("|")
BINARY = """
a + b | a - b | a * b | ops.maximum(a, b)
ops.matmul(ops.softmax(ops.matmul(a, ops.transpose(b, (0, 2, 1)))), b)
ops.where(ops.greater(a, b), a, b) | ops.einsum("bij,bkj->bik", a, b) @ b
keras.layers.Add()([a, b]) | a / (1 + ops.exp(-b)) | keras.layers.Average()([a, b])
ops.stack([a, b], axis=1)[:, 1] * 0.5 + a
ops.split(ops.concatenate([a, b], axis=-1), 2, axis=-1)[0]
""".replace("\n", "|").split("|")


def lines(texts):
    return [text.strip() for text in texts if text.strip()]


def sources():
    found = {name: keras.Input(shape, name=name) for name, shape in SHAPES.items() if name != "i"}
    return found | {"i": keras.Input(SHAPES["i"], dtype="int32", name="i")}


def evaluated(text, known):
    return eval(text, {"ops": ops, "np": np, "keras": keras, **known})  # noqa: S307 - our own


def singles(size=6):
    texts = lines(SINGLE)
    for start in range(0, len(texts), size):
        keras.utils.clear_session()
        known = sources()
        broken = ops.where(known["x"] > 0.8, ops.log(known["x"] * 0 - 1), known["x"])
        more = {**known, "n": broken}
        made = [evaluated(text, more) for text in texts[start : start + size]]
        yield keras.Model(list(known.values()), made, name="single"), known


def mixed(number):
    draw = random.Random(number)
    keras.utils.clear_session()
    known = sources()
    pool = [known["x"], known["p"]]
    for _ in range(draw.randint(4, 8)):
        one, two = draw.choice(pool), draw.choice(pool)
        text = draw.choice(lines(UNARY) if draw.random() < 0.6 else lines(BINARY))
        pool.append(evaluated(text, {"a": one, "b": two}))
    outputs = [ops.mean(pool[-1], axis=2) + known["v"][:, :4], pool[-2]]
    return keras.Model(list(known.values()), outputs, name="mixed"), known


def draw(number, shapes):
    """Inputs by name, and the generator that goes on with the weights and cotangents."""
    rng = np.random.default_rng(number)
    found = {
        "x": rng.normal(size=(BATCH, *SHAPES["x"])),
        "p": rng.uniform(0.5, 1.5, (BATCH, *SHAPES["p"])),
        "v": rng.normal(size=(BATCH, *SHAPES["v"])),
        "i": rng.integers(0, 4, (BATCH, *SHAPES["i"])),
    }
    kinds = {"i": "int32"}
    return {name: found[name].astype(kinds.get(name, "float32")) for name in shapes}, rng


def rounded(array):
    return [float(f"{v:.6g}") for v in np.asarray(array, np.float64).ravel()]


def case(number, model, known):
    inputs, rng = draw(number, list(known))
    for w in model.weights:
        w.assign(rng.uniform(-0.5, 0.5, w.shape))
    tensors = {name: tf.constant(array) for name, array in inputs.items()}
    floats = [tensor for name, tensor in tensors.items() if name != "i"]
    with tf.GradientTape() as tape:
        tape.watch(floats)
        outputs = model(list(tensors.values()))
        total = 0.0
        for y in outputs:
            cotangent = rng.normal(size=y.shape).astype(np.float32)
            if y.dtype.is_floating:
                total += tf.reduce_sum(tf.cast(y, "float32") * cotangent)
    grads = tape.gradient(total, floats, unconnected_gradients="zero")
    config = json.loads(model.to_json())
    return {
        "number": number,
        "config": slim(config),
        "y": [
            {"shape": list(y.shape), "dtype": y.dtype.name, "values": rounded(y)} for y in outputs
        ],
        "gx": [rounded(g) for g in grads],
        "symbolic": [list(y.shape) for y in model.outputs],
    }


def slim(config):
    """Without what nothing reads here: shapes of tensors, build configurations."""
    if isinstance(config, list):
        return [slim(item) for item in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "__keras_tensor__":
        history = config["config"]["keras_history"]
        return {"class_name": "__keras_tensor__", "config": {"keras_history": history}}
    gone = ("build_config", "compile_config")
    return {key: slim(value) for key, value in config.items() if key not in gone}


def signature(module, name):
    """Constructor's parameters with their defaults, and the call's parameters."""
    kind = getattr(importlib.import_module(module), name)
    made, call = (
        [p for p in inspect.signature(f).parameters.values() if p.name not in ("self", "name")]
        for f in (kind.__init__, kind.call)
    )
    defaults = {
        p.name: [] if p.default is p.empty else [p.default]
        for p in made
        if p.kind < 2 or p.kind == 3
    }
    return [module, defaults, [p.name for p in call if p.kind == p.POSITIONAL_OR_KEYWORD]]


def used(config):
    """(class name, module) of every operation of a model."""
    layers = config["config"]["layers"]
    return {
        (layer["class_name"], layer["module"]) for layer in layers if ".ops." in layer["module"]
    }


if __name__ == "__main__":
    found = [case(i, *made) for i, made in enumerate(singles())]
    found += [case(1000 + i, *mixed(i)) for i in range(12)]
    kinds = sorted(set().union(*(used(told["config"]) for told in found)))
    found = {
        "cases": found,
        "signatures": {name: signature(module, name) for name, module in kinds},
    }
    text = json.dumps(found, separators=(",", ":"))
    (HERE / "operations.json.gz").write_bytes(gzip.compress(text.encode(), 9, mtime=0))
