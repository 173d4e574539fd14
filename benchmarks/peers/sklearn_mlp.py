"""scikit-learn's MLPClassifier: dense layers with ReLU and Adam or SGD, nothing else.

Its optimizers are its own, so its losses are not those of the others and only times are shown.
"""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier
from worker import Peer, Task, Unsupported, serve


def make(task: Task) -> Peer:
    calls, kind = task.plan["calls"], task.plan["optimizer"]["kind"]
    hidden = [call["fields"].get("activation") for call in calls[:-1]]
    if any(call["kind"] != "dense" for call in calls) or set(hidden) != {"relu"}:
        raise Unsupported("scikit-learn has only perceptrons")
    if task.plan["loss"] != "categorical_crossentropy":
        raise Unsupported("scikit-learn's classifier has cross-entropy alone")
    sizes = [call["fields"]["units"] for call in calls[:-1]]
    classes = np.arange(calls[-1]["fields"]["units"])
    solver = "sgd" if kind == "sgd" else "adam"
    model = MLPClassifier(sizes, solver=solver, alpha=0.0, batch_size=task.plan["batch"])
    ready = [(xs[0], y.argmax(-1)) for xs, y in task.batches()]
    model.partial_fit(*ready[0], classes=classes)
    # In place: its optimizer holds these arrays.
    weights = task.weights[::2] + task.weights[1::2]
    for own, weight in zip(model.coefs_ + model.intercepts_, weights, strict=True):
        own[...] = weight
    position = 0

    def step() -> None:
        nonlocal position
        position = (position + 1) % len(ready)
        model.partial_fit(*ready[position])

    return Peer(
        {"scikit-learn": sklearn.__version__},
        step=step,
        predict=lambda xs: model.predict_proba(xs[0]),
    )


if __name__ == "__main__":
    serve(make)
