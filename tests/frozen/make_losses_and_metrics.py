"""Writes losses.json and metrics.json: what Keras computes for small inputs.

Needs Keras 3.15.1 and TensorFlow: KERAS_BACKEND=tensorflow python make_losses_and_metrics.py
"""

import json
from pathlib import Path

import keras
import numpy as np

HERE = Path(__file__).parent
N, C, T = 6, 4, 3


def rounded(x):
    return np.round(np.asarray(x, np.float64), 3).astype(np.float32)


def inputs(kind, seed):
    """(y, p) of one batch."""
    rng = np.random.default_rng(seed)
    scores = rounded(rng.normal(size=(N, C)))
    probabilities = rounded(rng.dirichlet(np.ones(C), size=N) * 0.98 + 0.005)
    ids = rng.integers(0, C, N).astype(np.int32)
    hot = np.eye(C, dtype=np.float32)[ids]
    bits = rng.integers(0, 2, (N, C)).astype(np.float32)
    shares = rounded(rng.uniform(0.01, 0.99, (N, C)))
    steps = rng.integers(0, C, (N, T)).astype(np.int32)
    unit = rng.normal(size=(N, C))
    # Rows of labels, 0 behind them; two of one kind in a row, and none at all, among them.
    spelled = np.array([[1, 2, 0, 0, 0], [3, 3, 0, 0, 0], [0] * 5, [2, 1, 2, 0, 0]] * 2)[:N]
    return {
        "real": (rounded(rng.normal(size=(N, C))), scores),
        "positive": (rounded(rng.gamma(2.0, size=(N, C))), rounded(rng.gamma(2.0, size=(N, C)))),
        "one_hot": (hot, probabilities),
        "real_hot": (hot, scores),
        "unnormalised": (hot, rounded(rng.uniform(0.1, 2.0, (N, C)))),
        "saturated": (hot, rounded(np.eye(C)[rng.integers(0, C, N)])),
        "distribution": (rounded(rng.dirichlet(np.ones(C), size=N)), probabilities),
        "ids": (ids, probabilities),
        "ids_logits": (ids, scores),
        "ids_steps": (steps, rounded(rng.dirichlet(np.ones(C), size=(N, T)))),
        "ids_steps_logits": (steps, rounded(rng.normal(size=(N, T, C)))),
        "bits": (bits, shares),
        "bits_logits": (bits, scores),
        "bit": (bits[:, :1], shares[:, :1]),
        "signs": (bits * 2 - 1, scores),
        "labels": (ids % 2, rounded(unit / np.linalg.norm(unit, axis=1, keepdims=True))),
        "classes": (ids, rng.integers(0, C, N).astype(np.int32)),
        "labels_in_steps": (
            spelled.astype(np.int32),
            rounded(np.random.default_rng(seed + 99).normal(size=(N, 5, C))),
        ),
        "ranking": (ids, np.argsort(-scores, axis=1).astype(np.int32)),
    }[kind]


LOSSES = [
    ("MeanSquaredError", {}, "real"),
    ("MeanAbsoluteError", {}, "real"),
    ("MeanAbsolutePercentageError", {}, "real"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("Huber", {}, "real"),
    ("Huber", {"delta": 0.4}, "real"),
    ("LogCosh", {}, "real"),
    ("CosineSimilarity", {}, "real"),
    ("CosineSimilarity", {"axis": 0}, "real"),
    ("BinaryCrossentropy", {}, "bits"),
    ("BinaryCrossentropy", {}, "bit"),
    ("BinaryCrossentropy", {"from_logits": True}, "bits_logits"),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, "bits"),
    ("BinaryCrossentropy", {"axis": 0}, "bits"),
    ("CategoricalCrossentropy", {}, "one_hot"),
    ("CategoricalCrossentropy", {}, "unnormalised"),
    ("CategoricalCrossentropy", {}, "saturated"),
    ("CategoricalCrossentropy", {"from_logits": True}, "real_hot"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "one_hot"),
    ("SparseCategoricalCrossentropy", {}, "ids"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "ids_logits"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "ids_steps_logits"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "ids"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2, "from_logits": True}, "ids_steps_logits"),
    ("BinaryFocalCrossentropy", {}, "bits"),
    ("BinaryFocalCrossentropy", {"gamma": 3.0, "apply_class_balancing": True}, "bits"),
    ("BinaryFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "bits_logits"),
    ("CategoricalFocalCrossentropy", {}, "one_hot"),
    ("CategoricalFocalCrossentropy", {"alpha": 0.5, "gamma": 1.0}, "unnormalised"),
    (
        "CategoricalFocalCrossentropy",
        {"from_logits": True, "label_smoothing": 0.1},
        "real_hot",
    ),
    ("CategoricalGeneralizedCrossEntropy", {}, "ids"),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.7}, "ids"),
    ("KLDivergence", {}, "distribution"),
    ("Poisson", {}, "positive"),
    ("Hinge", {}, "signs"),
    ("Hinge", {}, "bits_logits"),
    ("SquaredHinge", {}, "signs"),
    ("SquaredHinge", {}, "bits_logits"),
    ("CategoricalHinge", {}, "real_hot"),
    ("Dice", {}, "bits"),
    ("Dice", {"axis": [1]}, "bits"),
    ("Tversky", {"alpha": 0.3, "beta": 0.8}, "bits"),
    ("Tversky", {"axis": [1]}, "bits"),
    ("Circle", {}, "labels"),
    ("Circle", {"gamma": 10.0, "margin": 0.2, "remove_diagonal": False}, "labels"),
    ("CTC", {}, "labels_in_steps"),
]

METRICS = [
    ("Accuracy", {}, "classes"),
    ("BinaryAccuracy", {}, "bits"),
    ("BinaryAccuracy", {"threshold": 0.3}, "bit"),
    ("CategoricalAccuracy", {}, "one_hot"),
    ("SparseCategoricalAccuracy", {}, "ids"),
    ("SparseCategoricalAccuracy", {}, "ids_steps"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one_hot"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "ids"),
    ("SparseTopKCategoricalAccuracy", {"k": 3, "from_sorted_ids": True}, "ranking"),
    ("MeanSquaredError", {}, "real"),
    ("RootMeanSquaredError", {}, "real"),
    ("MeanAbsoluteError", {}, "real"),
    ("MeanAbsolutePercentageError", {}, "real"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("CosineSimilarity", {}, "real"),
    ("LogCoshError", {}, "real"),
    ("R2Score", {}, "real"),
    ("R2Score", {"class_aggregation": None}, "real"),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, "real"),
    ("R2Score", {"num_regressors": 2}, "real"),
    ("PearsonCorrelation", {}, "real"),
    ("ConcordanceCorrelation", {}, "real"),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, "bits"),
    ("CategoricalCrossentropy", {}, "one_hot"),
    ("CategoricalCrossentropy", {"from_logits": True}, "real_hot"),
    ("SparseCategoricalCrossentropy", {}, "ids"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "ids"),
    ("KLDivergence", {}, "distribution"),
    ("Poisson", {}, "positive"),
    ("Hinge", {}, "signs"),
    ("SquaredHinge", {}, "bits_logits"),
    ("CategoricalHinge", {}, "real_hot"),
    ("TruePositives", {}, "bits"),
    ("FalsePositives", {"thresholds": [0.2, 0.7]}, "bits"),
    ("TrueNegatives", {}, "bits"),
    ("FalseNegatives", {"thresholds": 0.9}, "bits"),
    ("Precision", {}, "bits"),
    ("Precision", {"thresholds": [0.2, 0.4, 0.9], "class_id": 1}, "bits"),
    ("Precision", {"thresholds": [0.0, 0.5, 1.0]}, "bits"),
    ("Precision", {"top_k": 2}, "bits"),
    ("Recall", {}, "bits"),
    ("Recall", {"top_k": 1, "class_id": 2}, "bits"),
    ("SensitivityAtSpecificity", {"specificity": 0.6}, "bits"),
    ("SpecificityAtSensitivity", {"sensitivity": 0.6, "num_thresholds": 11}, "bits"),
    ("PrecisionAtRecall", {"recall": 0.5}, "bits"),
    ("RecallAtPrecision", {"precision": 0.6, "num_thresholds": 1}, "bits"),
    ("AUC", {}, "bits"),
    ("AUC", {"num_thresholds": 11, "curve": "PR"}, "bits"),
    ("AUC", {"curve": "PR", "summation_method": "minoring"}, "bits"),
    ("AUC", {"curve": "PRGAIN", "summation_method": "majoring"}, "bits"),
    ("AUC", {"from_logits": True}, "bits_logits"),
    ("AUC", {"thresholds": [0.1, 0.2, 0.7]}, "bits"),
    ("AUC", {"multi_label": True, "num_thresholds": 7}, "bits"),
    ("AUC", {"multi_label": True, "label_weights": [1.0, 2.0, 0.0, 1.0], "curve": "PR"}, "bits"),
    ("AUC", {"label_weights": [1.0, 2.0, 0.0, 1.0]}, "bits"),
    ("FBetaScore", {"beta": 2.0}, "one_hot"),
    ("FBetaScore", {"beta": 0.5, "average": "weighted", "threshold": 0.4}, "bits"),
    ("F1Score", {"average": "macro"}, "one_hot"),
    ("F1Score", {"average": "micro", "threshold": 0.5}, "bits"),
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 2]}, "classes"),
    ("MeanIoU", {"num_classes": 4}, "classes"),
    ("MeanIoU", {"num_classes": 4, "sparse_y_pred": False, "ignore_class": 1}, "ids"),
    ("OneHotIoU", {"num_classes": 4, "target_class_ids": [1]}, "one_hot"),
    ("OneHotMeanIoU", {"num_classes": 4}, "one_hot"),
    ("BinaryIoU", {"threshold": 0.4}, "bits"),
    # Functions that Keras has no class for.
    ("huber", {}, "real"),
    ("binary_focal_crossentropy", {}, "bits"),
    ("categorical_focal_crossentropy", {}, "one_hot"),
]

# Their confusion matrix is one of integers in Keras, which cuts weights.
UNWEIGHTED = {"BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"}


def plain(x):
    """A float32 array as the shortest decimals that read back to it."""
    values = np.asarray(x, np.float32)
    return [plain(v) for v in values] if values.ndim else float(str(values[()]))


def exact(x):
    return x.tolist() if x.dtype.kind == "i" else plain(x)


def loss_case(index, name, fields, kind):
    y, p = inputs(kind, 100 + index)
    weight = rounded(np.random.default_rng(index).uniform(0.1, 2.0, N))
    kind_ = getattr(keras.losses, name)
    case = {"class": name, "fields": fields, "y": exact(y), "p": exact(p), "weight": plain(weight)}
    case["values"] = plain(kind_(reduction=None, **fields)(y, p))
    case["total"] = {}
    case["weighted"] = {}
    for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight"):
        loss = kind_(reduction=reduction, **fields)
        case["total"][reduction] = plain(loss(y, p))
        if np.shape(case["values"]) in ((), (N,)):
            case["weighted"][reduction] = plain(loss(y, p, sample_weight=weight))
    return case


def metric_of(name, fields):
    made = getattr(keras.metrics, name)
    if name[0].isupper():
        return made(**fields)
    return keras.metrics.MeanMetricWrapper(made, name=name)


def metric_case(index, name, fields, kind):
    metric = metric_of(name, fields)
    weighted = metric_of(name, fields)
    batches = []
    for part in range(2):
        y, p = inputs(kind, 1000 + 2 * index + part)
        weight = rounded(np.random.default_rng(index).uniform(0.1, 2.0, N))
        metric.update_state(y, p)
        batch = {"y": exact(y), "p": exact(p), "weight": plain(weight)}
        batch["result"] = plain(metric.result())
        if name not in UNWEIGHTED:
            weighted.update_state(y, p, sample_weight=weight)
            batch["weighted"] = plain(weighted.result())
        batches.append(batch)
    return {"class": name, "name": metric.name, "fields": fields, "batches": batches}


def write(name, cases):
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (HERE / name).write_text(f"[\n{lines}\n]\n")


keras.utils.clear_session()
write("losses.json", [loss_case(i, *case) for i, case in enumerate(LOSSES)])
cases = []
for i, case in enumerate(METRICS):
    keras.utils.clear_session()
    cases.append(metric_case(i, *case))
write("metrics.json", cases)
