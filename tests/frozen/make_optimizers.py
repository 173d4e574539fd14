"""Writes optimizers.json, optimizers.npz and schedules.json: Keras' steps from given gradients.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_optimizers.py
"""

import json
from pathlib import Path

import keras
import numpy as np

HERE = Path(__file__).parent
STEPS = 8
SHAPES = {"dense/kernel": (4, 3), "dense/bias": (3,), "embedding/table": (2, 5)}

START, LOW = {"initial_learning_rate": 0.1}, {"initial_learning_rate": 0.01}

OPTIMIZERS = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.05}),
    ("SGD", {"learning_rate": 0.1, "clipnorm": 0.7}),
    ("SGD", {"learning_rate": 0.1, "clipvalue": 0.3}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.9}),
    ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.8}),
    (
        "SGD",
        {
            "learning_rate": 0.1,
            "momentum": 0.5,
            "use_ema": True,
            "ema_momentum": 0.7,
            "ema_overwrite_frequency": 3,
        },
    ),
    ("SGD", {"learning_rate": 0.1, "gradient_accumulation_steps": 2}),
    (
        "SGD",
        {"learning_rate": 0.1, "momentum": 0.9, "clipnorm": 0.4, "gradient_accumulation_steps": 3},
    ),
    (
        "Adam",
        {
            "learning_rate": 0.05,
            "weight_decay": 0.1,
            "use_ema": True,
            "ema_overwrite_frequency": 2,
            "gradient_accumulation_steps": 3,
        },
    ),
    ("RMSprop", {}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.9, "rho": 0.8}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5, "centered": True, "epsilon": 1e-3}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.02, "amsgrad": True, "beta_1": 0.8, "beta_2": 0.6}),
    ("AdamW", {"learning_rate": 0.02}),
    ("AdamW", {"learning_rate": 0.02, "weight_decay": 0.3, "epsilon": 1e-2}),
    ("Adamax", {"learning_rate": 0.02}),
    ("Nadam", {"learning_rate": 0.02}),
    ("Nadam", {"learning_rate": 0.02, "gradient_accumulation_steps": 2}),
    ("Adagrad", {"learning_rate": 0.05}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Lamb", {"learning_rate": 0.02, "weight_decay": 0.01}),
    ("Lion", {"learning_rate": 0.02}),
    ("Ftrl", {"learning_rate": 0.1}),
    (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "learning_rate_power": -0.7,
            "l1_regularization_strength": 0.05,
            "l2_regularization_strength": 0.02,
            "l2_shrinkage_regularization_strength": 0.01,
            "beta": 0.3,
        },
    ),
    ("Adafactor", {"learning_rate": 0.05}),
    ("Adafactor", {"learning_rate": 0.9, "beta_2_decay": -0.5, "clip_threshold": 0.3}),
    ("Muon", {"learning_rate": 0.02}),
    (
        "Muon",
        {"learning_rate": 0.02, "nesterov": False, "rms_rate": None, "exclude_layers": ["dense/k"]},
    ),
    ("Muon", {"learning_rate": 0.02, "exclude_embeddings": False, "adam_lr_ratio": 0.5}),
    ("ScheduleFreeAdamW", {}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.02, "warmup_steps": 5}),
    (
        "SGD",
        {
            "learning_rate": (
                "ExponentialDecay",
                {**START, "decay_steps": 2, "decay_rate": 0.5},
            )
        },
    ),
]

SCHEDULES = [
    ("ExponentialDecay", {**START, "decay_steps": 7, "decay_rate": 0.9}),
    (
        "ExponentialDecay",
        {**START, "decay_steps": 7, "decay_rate": 0.9, "staircase": True},
    ),
    ("PiecewiseConstantDecay", {"boundaries": [3], "values": [0.1, 0.02]}),
    ("PiecewiseConstantDecay", {"boundaries": [3, 10, 100], "values": [0.1, 0.05, 0.02, 0.01]}),
    ("PolynomialDecay", {**START, "decay_steps": 20}),
    (
        "PolynomialDecay",
        {
            **START,
            "decay_steps": 7,
            "end_learning_rate": 0.01,
            "power": 2.0,
            "cycle": True,
        },
    ),
    ("PolynomialDecay", {**START, "decay_steps": 30, "power": 0.5}),
    ("InverseTimeDecay", {**START, "decay_steps": 4, "decay_rate": 0.5}),
    (
        "InverseTimeDecay",
        {**START, "decay_steps": 4, "decay_rate": 0.5, "staircase": True},
    ),
    ("CosineDecay", {**START, "decay_steps": 25, "alpha": 0.1}),
    (
        "CosineDecay",
        {**LOW, "decay_steps": 25, "warmup_target": 0.2, "warmup_steps": 5},
    ),
    ("CosineDecay", {**LOW, "decay_steps": 25, "warmup_target": 0.2}),
    ("CosineDecayRestarts", {**START, "first_decay_steps": 5}),
    (
        "CosineDecayRestarts",
        {**START, "first_decay_steps": 5, "t_mul": 1.0, "m_mul": 0.8},
    ),
    (
        "CosineDecayRestarts",
        {
            **START,
            "first_decay_steps": 4,
            "t_mul": 1.5,
            "m_mul": 0.9,
            "alpha": 0.05,
        },
    ),
]
AT = [*range(36), 63, 64, 75, 99, 100, 101, 155, 1000, 12345, 1000000]


def serial(value):
    """A schedule as the mapping that a spec writes."""
    if isinstance(value, tuple):
        name, fields = value
        return {keras.src.utils.naming.to_snake_case(name): fields}
    return value


def built(value):
    if isinstance(value, tuple):
        return getattr(keras.optimizers.schedules, value[0])(**value[1])
    return value


def weights_and_gradients():
    rng = np.random.default_rng(0)
    weights = [np.round(rng.normal(size=s) * 0.5, 3).astype(np.float32) for s in SHAPES.values()]
    gradients = [
        [np.round(rng.normal(size=s) * 0.5, 3).astype(np.float32) for s in SHAPES.values()]
        for _ in range(STEPS)
    ]
    return weights, gradients


def run(name, fields, arrays, case):
    keras.utils.clear_session()
    weights, gradients = weights_and_gradients()
    variables = []
    for path, value in zip(SHAPES, weights, strict=True):
        scope, _, short = path.partition("/")
        with keras.src.backend.name_scope(scope):
            variables.append(keras.Variable(value, name=short))
    assert [v.path for v in variables] == list(SHAPES)
    optimizer = getattr(keras.optimizers, name)(**{k: built(v) for k, v in fields.items()})
    after = []
    for step in range(STEPS):
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients[step]], variables)
        after.append(flat(variables))
    arrays[f"{case}/weights"] = np.stack(after)
    arrays[f"{case}/variables"] = flat(optimizer.variables)
    return [variable.path for variable in optimizer.variables]


def flat(variables):
    return np.concatenate([np.asarray(v, np.float32).reshape(-1) for v in variables])


def main():
    weights, gradients = weights_and_gradients()
    arrays = {f"w{i}": w for i, w in enumerate(weights)}
    arrays |= {f"g{i}": np.stack(g) for i, g in enumerate(zip(*gradients, strict=True))}
    cases = []
    for case, (name, fields) in enumerate(OPTIMIZERS):
        paths = run(name, fields, arrays, case)
        plain = {key: serial(value) for key, value in fields.items()}
        cases.append({"class": name, "fields": plain, "variables": paths})
    np.savez_compressed(HERE / "optimizers.npz", **arrays)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (HERE / "optimizers.json").write_text(f"[\n{lines}\n]\n")
    rates = []
    for name, fields in SCHEDULES:
        schedule = built((name, fields))
        found = [float(str(np.float32(schedule(keras.ops.convert_to_tensor(t))))) for t in AT]
        rates.append({"class": name, "fields": fields, "steps": AT, "rates": found})
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in rates)
    (HERE / "schedules.json").write_text(f"[\n{lines}\n]\n")


main()
