"""scikit-learn's MLPClassifier: dense layers with ReLU and Adam or SGD, nothing else.

Its optimizers are its own, so its losses are not those of the others and only times are shown.
"""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier
from worker import Peer, Task, Unsupported, serve, timed


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
    model = MLPClassifier(
        sizes, solver=solver, alpha=0.0, batch_size=task.plan["batch"], shuffle=False
    )
    inputs, targets = task.samples()
    x, y = inputs[0], targets.argmax(-1)
    model.partial_fit(x, y, classes=classes)
    # In place: its optimizer holds these arrays.
    weights = task.weights[::2] + task.weights[1::2]
    for own, weight in zip(model.coefs_ + model.intercepts_, weights, strict=True):
        own[...] = weight
    batches = len(task.targets)

    def run(steps: int) -> list[float]:
        """Its own loop goes over all batches in one call; inputs are checked once in it."""
        calls = -(-steps // batches)
        return [timed(lambda: model.partial_fit(x, y)) / batches for _ in range(calls)]

    note = "" if kind in {"sgd", "adam"} else f"Adam in place of {kind}"
    return Peer(
        {"scikit-learn": sklearn.__version__},
        run=run,
        predict=lambda xs: model.predict_proba(xs[0]),
        note=note,
    )


if __name__ == "__main__":
    serve(make)
