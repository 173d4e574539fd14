"""Writes training.json.gz: training of tiny models, step by step and by `fit`.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_training.py
With names of runs it makes these alone and keeps what is stored of the others.
Nothing is random: no dropout, no shuffling; inputs and first weights are stored.
"""

import gzip
import json
import sys
from pathlib import Path

import keras
import numpy as np
from keras import constraints, layers, losses, metrics, optimizers, regularizers

HERE = Path(__file__).parent
STEPS, BATCH = 6, 4
schedules = optimizers.schedules
SGD, Adam = optimizers.SGD, optimizers.Adam


def mlp(units=2, activation=None, hidden=None, **last):
    return [
        layers.Dense(4, activation="tanh", name="hidden", **(hidden or {})),
        layers.Dense(units, activation=activation, name="out", **last),
    ]


def cnn():
    return [
        layers.Conv2D(3, 3, padding="same", use_bias=False, name="conv"),
        layers.BatchNormalization(momentum=0.8, name="bn"),
        layers.ReLU(name="relu"),
        layers.MaxPooling2D(name="pool"),
        layers.Flatten(name="flat"),
        layers.Dense(3, activation="softmax", name="out"),
    ]


def steps(*first, units=2, **last):
    """A model of sequences, the last of whose three steps is often masked."""
    return [keras.Input((3, 2), name="x"), *first, layers.Dense(units, name="out", **last)]


# What targets are: (rng, rows, units) -> array.
TARGETS = {
    "normal": lambda rng, n, k: rng.normal(size=(n, k)),
    "positive": lambda rng, n, k: rng.uniform(0.1, 3, (n, k)),
    "binary": lambda rng, n, k: rng.integers(0, 2, (n, k)),
    "signs": lambda rng, n, k: rng.integers(0, 2, (n, k)) * 2 - 1,
    "onehot": lambda rng, n, k: np.eye(k)[rng.integers(0, k, n)],
    "ids": lambda rng, n, k: rng.integers(0, k, (n, 1)),
    "row of ids": lambda rng, n, k: rng.integers(0, k, n),
    "positions": lambda rng, n, k: rng.normal(size=(n, 3, k)),
    "ids of positions": lambda rng, n, k: rng.integers(0, k, (n, 3)),
    "binary positions": lambda rng, n, k: rng.integers(0, 2, (n, 3, k)),
    "shares of positions": lambda rng, n, k: rng.dirichlet(np.ones(k), (n, 3)),
    "shares": lambda rng, n, k: rng.dirichlet(np.ones(k), n),
}


def frames():
    """A model at every step, with penalties and statistics of the batch."""
    inner = keras.Sequential(
        [
            keras.Input((4, 3)),
            layers.Conv1D(3, 2, activation="relu", activity_regularizer=regularizers.L2(0.1)),
            layers.BatchNormalization(momentum=0.6),
            layers.ActivityRegularization(l1=0.05),
            layers.Flatten(),
            layers.Dense(2, kernel_regularizer=regularizers.L2(0.1)),
        ]
    )
    return keras.Input((3, 4, 3)), layers.TimeDistributed(inner), layers.GRU(3), layers.Dense(2)


def case(name, loss="mse", targets="normal", optimizer=None, model=None, **options):
    """`options`: metrics, weighted_metrics, rows, class_weight.

    `rows` are sample weights: True, or the lengths of their axes behind the batch's.
    """
    return name, {
        "loss": loss, "targets": targets, "optimizer": optimizer or SGD(0.1),
        "model": model or mlp(), **options,
    }  # fmt: skip


LOSSES = [
    case("mean_squared_error", losses.MeanSquaredError(), metrics=["mse", "mae"]),
    case("mean_absolute_error", losses.MeanAbsoluteError(reduction="sum")),
    case("mean_absolute_percentage_error", losses.MeanAbsolutePercentageError(), "positive",
         SGD(0.001)),
    case("mean_squared_logarithmic_error", losses.MeanSquaredLogarithmicError(), "positive"),
    case("cosine_similarity", losses.CosineSimilarity(), metrics=["cosine_similarity"]),
    case("huber", losses.Huber(delta=0.7)),
    case("log_cosh", losses.LogCosh()),
    case("poisson", losses.Poisson(), "positive", model=mlp(2, "softplus")),
    case("hinge", losses.Hinge(), "signs", metrics=["hinge"]),
    case("squared_hinge", losses.SquaredHinge(), "binary"),
    case("categorical_hinge", losses.CategoricalHinge(), "onehot", model=mlp(3)),
    case("kl_divergence", losses.KLDivergence(), "shares", model=mlp(3, "softmax")),
    case("binary_crossentropy", losses.BinaryCrossentropy(), "binary", model=mlp(1, "sigmoid"),
         metrics=["accuracy", "auc"]),
    case("binary_crossentropy_logits", losses.BinaryCrossentropy(from_logits=True), "binary"),
    case("binary_crossentropy_smoothed", losses.BinaryCrossentropy(label_smoothing=0.1), "binary",
         model=mlp(2, "sigmoid")),
    case("binary_focal_crossentropy", losses.BinaryFocalCrossentropy(apply_class_balancing=True),
         "binary", model=mlp(2, "sigmoid")),
    case("categorical_crossentropy", losses.CategoricalCrossentropy(), "onehot",
         model=mlp(3, "softmax"), metrics=["accuracy", metrics.TopKCategoricalAccuracy(k=2)]),
    case("categorical_crossentropy_logits", losses.CategoricalCrossentropy(from_logits=True),
         "onehot", model=mlp(3)),
    case("categorical_crossentropy_smoothed", losses.CategoricalCrossentropy(label_smoothing=0.2),
         "onehot", model=mlp(3, "softmax")),
    case("categorical_focal_crossentropy", losses.CategoricalFocalCrossentropy(), "onehot",
         model=mlp(3, "softmax")),
    # Keras mixes samples when ids of this loss have an axis of their own.
    case("categorical_generalized_cross_entropy", losses.CategoricalGeneralizedCrossEntropy(),
         "row of ids", model=mlp(3, "softmax")),
    case("sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy(), "ids",
         model=mlp(3, "softmax"), metrics=["accuracy"]),
    case("sparse_categorical_crossentropy_logits",
         losses.SparseCategoricalCrossentropy(from_logits=True), "ids", model=mlp(3)),
    case("sparse_categorical_crossentropy_ignore",
         losses.SparseCategoricalCrossentropy(ignore_class=1), "ids", model=mlp(3, "softmax")),
    case("dice", losses.Dice(), "binary", model=mlp(2, "sigmoid")),
    case("tversky", losses.Tversky(alpha=0.3, beta=0.7), "binary", model=mlp(2, "sigmoid")),
    case("circle", losses.Circle(gamma=2.0), "ids", SGD(0.01), mlp(3)),
]  # fmt: skip
OPTIMIZERS = [
    case("sgd", optimizer=SGD(0.1)),
    case("sgd_momentum", optimizer=SGD(0.1, momentum=0.9)),
    case("sgd_nesterov", optimizer=SGD(0.1, momentum=0.9, nesterov=True)),
    case("rmsprop", optimizer=optimizers.RMSprop(0.02)),
    case("rmsprop_centered", optimizer=optimizers.RMSprop(0.02, momentum=0.5, centered=True)),
    case("adam", optimizer=Adam(0.02)),
    case("adam_amsgrad", optimizer=Adam(0.02, amsgrad=True, weight_decay=0.1)),
    case("adamw", optimizer=optimizers.AdamW(0.02, weight_decay=0.1)),
    case("adamax", optimizer=optimizers.Adamax(0.02)),
    case("nadam", optimizer=optimizers.Nadam(0.02)),
    case("adagrad", optimizer=optimizers.Adagrad(0.1)),
    case("adadelta", optimizer=optimizers.Adadelta(1.0)),
    case("adafactor", optimizer=optimizers.Adafactor(0.02)),
    case("ftrl", optimizer=optimizers.Ftrl(0.1, l1_regularization_strength=0.01, beta=0.1)),
    case("lamb", optimizer=optimizers.Lamb(0.02)),
    case("lion", optimizer=optimizers.Lion(0.01)),
    case("muon", optimizer=optimizers.Muon(0.02)),
    case("schedule_free_adam_w", optimizer=optimizers.ScheduleFreeAdamW(0.02, warmup_steps=2)),
    case("clipnorm", optimizer=SGD(0.1, clipnorm=0.3)),
    case("clipvalue", optimizer=SGD(0.1, clipvalue=0.1)),
    case("global_clipnorm", optimizer=Adam(0.02, global_clipnorm=0.3)),
    case("weight_decay", optimizer=SGD(0.1, weight_decay=0.1)),
    case("ema", optimizer=SGD(0.1, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=3)),
    case("accumulation", optimizer=Adam(0.02, gradient_accumulation_steps=2)),
    case("accumulation_clipped", optimizer=SGD(0.1, gradient_accumulation_steps=3, clipnorm=0.3)),
]
SCHEDULES = [
    case("exponential_decay", optimizer=SGD(schedules.ExponentialDecay(0.2, 2, 0.5))),
    case("exponential_decay_stairs",
         optimizer=Adam(schedules.ExponentialDecay(0.05, 2, 0.5, staircase=True))),
    case("piecewise_constant_decay",
         optimizer=SGD(schedules.PiecewiseConstantDecay([1, 3], [0.3, 0.1, 0.01]))),
    case("polynomial_decay",
         optimizer=SGD(schedules.PolynomialDecay(0.2, 2, 0.01, power=2.0, cycle=True))),
    case("inverse_time_decay", optimizer=SGD(schedules.InverseTimeDecay(0.2, 2, 0.5))),
    case("cosine_decay",
         optimizer=SGD(schedules.CosineDecay(0.01, 3, 0.1, warmup_target=0.2, warmup_steps=2))),
    case("cosine_decay_restarts", optimizer=SGD(schedules.CosineDecayRestarts(0.2, 2))),
]  # fmt: skip
WEIGHTS = [
    case("l1", model=mlp(hidden={"kernel_regularizer": regularizers.L1(0.02)})),
    case("l2", model=mlp(kernel_regularizer=regularizers.L2(0.1), bias_regularizer="l2")),
    case("l1_l2", model=mlp(kernel_regularizer=regularizers.L1L2(0.02, 0.1))),
    case("orthogonal_regularizer",
         model=mlp(3, kernel_regularizer=regularizers.OrthogonalRegularizer(0.1, "columns"))),
    case("activity_regularizer", model=mlp(hidden={"activity_regularizer": regularizers.L2(0.1)})),
    case("max_norm", model=mlp(hidden={"kernel_constraint": constraints.MaxNorm(0.8)})),
    case("non_neg", model=mlp(kernel_constraint=constraints.NonNeg(), bias_constraint="non_neg")),
    case("unit_norm", model=mlp(kernel_constraint=constraints.UnitNorm())),
    case("min_max_norm",
         model=mlp(hidden={"kernel_constraint": constraints.MinMaxNorm(0.5, 0.9, 0.5)})),
    case("frozen", model=mlp(hidden={"trainable": False})),
    case("batch_normalization", "sparse_categorical_crossentropy", "ids", model=cnn(),
         metrics=["accuracy"]),
    case("class_weight", "sparse_categorical_crossentropy", "ids", model=mlp(3, "softmax"),
         class_weight={"0": 2.0, "2": 0.5}, metrics=["accuracy"]),
    case("sample_weight", "mse", rows=True, metrics=["mae"]),
]  # fmt: skip
Scaled = optimizers.LossScaleOptimizer
# Scales so large that the first gradients overflow.
SCALED = [
    case("loss_scale_optimizer", losses.MeanSquaredError(reduction="sum"),
         optimizer=Scaled(SGD(0.01, momentum=0.9), 2.0**127, dynamic_growth_steps=2)),
    case("loss_scale_optimizer_small", optimizer=Scaled(Adam(0.02, clipnorm=0.3))),
    case("loss_scale_optimizer_schedule", losses.MeanSquaredError(reduction="sum"),
         optimizer=Scaled(Adam(schedules.ExponentialDecay(0.05, 1, 0.5), use_ema=True,
                               ema_overwrite_frequency=2), 2.0**126, 2)),
    case("loss_scale_optimizer_accumulating", losses.MeanSquaredError(reduction="sum"),
         optimizer=Scaled(optimizers.Nadam(0.1, gradient_accumulation_steps=2), 2.0**126, 3)),
]  # fmt: skip
Map = optimizers.OptimizerMap
SEVERAL = [
    case("multi_optimizer",
         optimizer=optimizers.MultiOptimizer(
             Map(SGD(0.1, momentum=0.9), {"hidden/.*": Adam(0.02), "out/bias": SGD(0.3)}))),
    case("multi_optimizer_of_many",
         optimizer=optimizers.MultiOptimizer(
             Map(optimizers.Muon(0.02),
                 {"hidden/bias": optimizers.Nadam(schedules.ExponentialDecay(0.2, 2, 0.5)),
                  "out/.*": optimizers.Nadam(0.05, use_ema=True, ema_overwrite_frequency=2,
                                             clipnorm=0.3)}),
             loss_scale_factor=16.0)),
]  # fmt: skip
# How losses and metrics meet weights, masks and positions, and what logs are called.
COUNTED = [
    case("metrics_of_one_name", losses.BinaryCrossentropy(), "binary", model=mlp(2, "sigmoid"),
         metrics=["recall", metrics.Recall(thresholds=0.3, name="recall"),
                  metrics.Recall(thresholds=[0.2, 0.7], name="recall")]),
    case("weighted_metrics", "mse", "binary", model=mlp(2, "sigmoid"), rows=True,
         metrics=["mae"], weighted_metrics=["mae", metrics.AUC(num_thresholds=7), "mse",
                                            metrics.BinaryAccuracy(name="mae")]),
    case("weighted_metrics_by_class", "sparse_categorical_crossentropy", "ids",
         model=mlp(3, "softmax"), class_weight={"0": 2.0, "2": 0.5}, weighted_metrics=["accuracy"]),
    case("integer_sums", "categorical_crossentropy", "onehot", model=mlp(3, "softmax"),
         metrics=[metrics.OneHotMeanIoU(num_classes=3)]),
    case("positions", losses.MeanSquaredError(reduction="mean_with_sample_weight"), "positions",
         model=steps()),
    case("positions_masked", losses.MeanSquaredError(reduction="mean_with_sample_weight"),
         "positions", model=steps(layers.Masking())),
    case("dice_masked", losses.Dice(), "shares of positions",
         model=steps(layers.Masking(), activation="softmax")),
    case("dice_sum", losses.Dice(reduction="sum"), "binary", model=mlp(2, "sigmoid")),
    case("dice_by_column", losses.Dice(axis=[0]), "binary", model=mlp(2, "sigmoid")),
    case("tversky_of_rows", losses.Tversky(axis=[2], reduction="mean_with_sample_weight"),
         "shares of positions", model=steps(layers.Masking(), activation="softmax")),
    case("cosine_of_columns", losses.CosineSimilarity(axis=0)),
    case("dice_masked_sum", losses.Dice(reduction="sum"), "shares of positions",
         model=steps(layers.Masking(), activation="softmax")),
    case("accumulation_of_one_element", model=mlp(1),
         optimizer=SGD(0.1, gradient_accumulation_steps=2, clipnorm=0.3)),
]  # fmt: skip
Sparse = losses.SparseCategoricalCrossentropy
POSITIONS = [
    case("weights_of_positions", targets="positions", model=steps(), rows=(3,),
         metrics=["mae"], weighted_metrics=["mae", "mse"]),
    case("weights_of_positions_masked",
         losses.MeanSquaredError(reduction="mean_with_sample_weight"), "positions",
         model=steps(layers.Masking()), rows=(3,), weighted_metrics=["mae"]),
    case("weights_of_positions_sum", losses.MeanSquaredError(reduction="sum"), "positions",
         SGD(0.01), steps(layers.Masking()), rows=(3,)),
    case("weights_of_positions_ignored", Sparse(ignore_class=1), "ids of positions",
         model=steps(units=3, activation="softmax"), rows=(3,),
         weighted_metrics=["accuracy", metrics.SparseCategoricalCrossentropy(ignore_class=1)]),
    case("weights_of_positions_binary", "binary_crossentropy", "binary positions",
         model=steps(units=1, activation="sigmoid"), rows=(3,),
         weighted_metrics=["accuracy", metrics.AUC(num_thresholds=7), "recall"]),
    case("weights_of_positions_dice", losses.Dice(), "shares of positions",
         model=steps(activation="softmax"), rows=(3,)),
]  # fmt: skip
IGNORED = [
    case("ignored_without_weights", "sparse_categorical_crossentropy", "ids",
         model=mlp(3, "softmax"), metrics=[metrics.SparseCategoricalCrossentropy(ignore_class=1)],
         weighted_metrics=[metrics.SparseCategoricalCrossentropy(ignore_class=1)]),
    case("ignored_with_weights", "sparse_categorical_crossentropy", "ids",
         model=mlp(3, "softmax"), rows=True,
         weighted_metrics=[metrics.SparseCategoricalCrossentropy(ignore_class=1)]),
]  # fmt: skip
STEPPED = [
    *LOSSES, *OPTIMIZERS, *SCHEDULES, *WEIGHTS, *SCALED, *SEVERAL, *COUNTED, *POSITIONS, *IGNORED,
]  # fmt: skip

# Arguments of fit besides x and y, of which there are N.
N = 11
FITS = [
    ("validation_split", case("", optimizer=Adam(0.02), metrics=["mae"])[1],
     {"epochs": 3, "batch_size": 4, "validation_split": 0.3}),
    ("last_batch_of_one", case("", optimizer=optimizers.RMSprop(0.02))[1],
     {"epochs": 2, "batch_size": 5}),
    ("batch_larger_than_data", case("", metrics=["mse"])[1], {"epochs": 2, "batch_size": 64}),
    ("class_weight", case("", "sparse_categorical_crossentropy", "ids", model=mlp(3, "softmax"),
                          metrics=["accuracy"])[1],
     {"epochs": 2, "batch_size": 4, "class_weight": {"0": 2.0, "2": 0.5},
      "validation_split": 0.2}),
    ("sample_weight", case("", metrics=["mae"])[1],
     {"epochs": 2, "batch_size": 4, "rows": True, "validation": "weighted"}),
    ("sample_weight_split", case("")[1],
     {"epochs": 2, "batch_size": 4, "rows": True, "validation_split": 0.4}),
    ("validation_data", case("", "binary_crossentropy", "binary", model=mlp(1, "sigmoid"),
                             metrics=["accuracy", "auc"])[1],
     {"epochs": 2, "batch_size": 3, "validation": "plain", "validation_split": 0.5}),
    ("initial_epoch", case("", optimizer=SGD(schedules.ExponentialDecay(0.2, 3, 0.5)))[1],
     {"epochs": 4, "initial_epoch": 2, "batch_size": 4}),
    ("ema", case("", optimizer=SGD(0.1, momentum=0.9, use_ema=True, ema_momentum=0.8))[1],
     {"epochs": 2, "batch_size": 4, "validation_split": 0.3}),
    ("accumulation", case("", optimizer=Adam(0.02, gradient_accumulation_steps=2))[1],
     {"epochs": 3, "batch_size": 4}),
    ("batch_normalization", case("", "sparse_categorical_crossentropy", "ids", model=cnn(),
                                 metrics=["accuracy"])[1],
     {"epochs": 2, "batch_size": 4, "validation_split": 0.3}),
    ("penalties", case("", model=mlp(kernel_regularizer=regularizers.L2(0.1),
                                     hidden={"activity_regularizer": regularizers.L1(0.1)}))[1],
     {"epochs": 2, "batch_size": 4, "validation_split": 0.3}),
    ("weights_of_positions", case("", targets="positions", model=steps(layers.Masking()),
                                  weighted_metrics=["mae"])[1],
     {"epochs": 2, "batch_size": 4, "rows": [3], "validation": "weighted"}),
    ("model_at_steps", case("", model=frames(), metrics=["mae"])[1],
     {"epochs": 2, "batch_size": 4, "validation_split": 0.3}),
]  # fmt: skip


def rounded(array):
    """Short decimals, that float32 holds as near as it can."""
    return np.round(np.asarray(array, np.float64), 3).astype(np.float32)


def numbers(array):
    """Seven digits: all that float32 has."""
    return [float(f"{v:.7g}") for v in np.asarray(array, np.float64).ravel()]


def built(told, rng):
    keras.utils.clear_session()
    inputs, *chain = told["model"]
    if isinstance(inputs, layers.Layer):
        chain = told["model"]
        inputs = keras.Input((4, 4, 2) if len(chain) > 2 else (3,), name="x")
    y = inputs
    for layer in chain:
        y = layer(y)
    model = keras.Model(inputs, y, name="model")
    first = [
        rounded(rng.uniform(0.5, 1.5, w.shape) if "gamma" in w.path or "variance" in w.path
                else rng.normal(size=w.shape) * 0.6) for w in model.weights
    ]  # fmt: skip
    model.set_weights(first)
    model.compile(
        told["optimizer"], told["loss"], metrics=told.get("metrics"),
        weighted_metrics=told.get("weighted_metrics"),
    )  # fmt: skip
    # Built in a graph, slots that copy weights would start at zero.
    model.optimizer.build(model.trainable_variables)
    return model, first


def described(model, told, first):
    config = model.get_compile_config()
    loss = told["loss"]
    # Keras leaves these out.
    if isinstance(loss, losses.Huber):
        config["loss"]["config"]["delta"] = 0.7
    if isinstance(loss, losses.CosineSimilarity):
        config["loss"]["config"]["axis"] = loss._fn_kwargs["axis"]
    return {
        "config": json.loads(model.to_json()),
        "compile": config,
        "weights": [[w.path, list(w.shape)] for w in model.weights],
        "first": [numbers(w) for w in first],
        "class_weight": told.get("class_weight"),
    }


def data(told, model, rng, rows, weighed=None):
    axes = None if weighed in (None, True) else weighed
    x = rounded(rng.normal(size=(rows, *model.input_shape[1:])))
    if "positions" in told["targets"]:
        x[::2, -1] = 0.0
    y = TARGETS[told["targets"]](rng, rows, model.output_shape[-1])
    integer = "ids" in told["targets"]
    weights = rng.uniform(0, 2, (rows, *(axes or ())))
    return x, (y.astype(np.int32) if integer else rounded(y)), rounded(weights)


def by_class(given):
    return {int(k): v for k, v in given.items()} if given else None


def logs(seen):
    """Values by name; a vector has a name for each element."""
    found = {}
    for key in seen[0]:
        rows = np.array([np.asarray(each[key]) for each in seen])
        if rows.ndim == 1:
            found[key] = numbers(rows)
        else:
            found |= {f"{key}[{i}]": numbers(rows[:, i]) for i in range(rows.shape[1])}
    return found


def stepped(number, name, told):
    rng = np.random.default_rng(number)
    model, first = built(told, rng)
    x, y, rows = data(told, model, rng, STEPS * BATCH, told.get("rows"))
    seen, step1 = [], []
    for t in range(STEPS):
        part = slice(t * BATCH, (t + 1) * BATCH)
        model.reset_metrics()
        told_logs = model.train_on_batch(
            x[part], y[part], sample_weight=rows[part] if told.get("rows") else None,
            class_weight=by_class(told.get("class_weight")), return_dict=True,
        )  # fmt: skip
        seen.append(told_logs)
        if t == 0:
            step1 = [numbers(w) for w in model.get_weights()]
    scaled = isinstance(model.optimizer, Scaled)
    kept = [model.optimizer.step_counter, model.optimizer.dynamic_scale] if scaled else []
    return {
        "name": name, **described(model, told, first), "x": numbers(x), "y": numbers(y),
        "x_shape": x.shape, "y_shape": y.shape, "y_dtype": str(y.dtype),
        "rows": numbers(rows) if told.get("rows") else None, "axes": rows.shape[1:],
        "logs": logs(seen),
        "step1": step1, "final": [numbers(w) for w in model.get_weights()],
        "kept": [float(v) for v in kept],
    }  # fmt: skip


def fitted(number, name, told, arguments):
    rng = np.random.default_rng(1000 + number)
    model, first = built(told, rng)
    stored = described(model, told, first)
    x, y, rows = data(told, model, rng, N, arguments.get("rows"))
    vx, vy, vrows = data(told, model, rng, 5, arguments.get("rows"))
    given = {k: v for k, v in arguments.items() if k not in ("rows", "validation")}
    given["class_weight"] = by_class(given.get("class_weight"))
    if "validation" in arguments:
        weighted = arguments["validation"] == "weighted"
        given["validation_data"] = (vx, vy, vrows) if weighted else (vx, vy)
    weights = rows if arguments.get("rows") else None
    history = model.fit(x, y, sample_weight=weights, shuffle=False, verbose=0, **given)
    after = [numbers(w) for w in model.get_weights()]
    found = model.evaluate(x, y, batch_size=4, sample_weight=rows, verbose=0, return_dict=True)
    y_type = str(y.dtype)
    return {
        "name": name, **stored, "arguments": arguments,
        "x": numbers(x), "y": numbers(y), "x_shape": x.shape, "y_shape": y.shape,
        "y_dtype": y_type, "rows": numbers(rows), "axes": rows.shape[1:],
        "vx": numbers(vx), "vy": numbers(vy), "vrows": numbers(vrows), "epoch": history.epoch,
        "history": {key: numbers(values) for key, values in history.history.items()},
        "after": after, "evaluate": {k: numbers([v])[0] for k, v in found.items()},
    }  # fmt: skip


def all_of(made, cases, stored, wanted):
    """Results of every case: made, or stored ones where others are wanted."""
    kept = {each["name"]: each for each in stored if wanted and each["name"] not in wanted}
    return [kept.get(each[0]) or made(i, *each) for i, each in enumerate(cases)]


if __name__ == "__main__":
    path = HERE / "training.json.gz"
    old = json.loads(gzip.decompress(path.read_bytes()))
    found = {
        "steps": all_of(stepped, STEPPED, old["steps"], sys.argv[1:]),
        "fits": all_of(fitted, FITS, old["fits"], sys.argv[1:]),
    }
    text = json.dumps(found, separators=(",", ":"))
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    print(path.name, len(found["steps"]), len(found["fits"]), path.stat().st_size, file=sys.stderr)
