"""JAX: one jitted function is the step, one the prediction. Flax would trace to the same."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax_layers import apply_of
from worker import Peer, Task, Unsupported, serve


def forward(
    task: Task, weights: list[Array], xs: list[Array], *, training: bool
) -> tuple[Array, dict[int, Array]]:
    """The output before a last softmax or sigmoid, and weights that moved by themselves."""
    plan = task.plan
    values = {item["name"]: x for item, x in zip(plan["inputs"], xs, strict=True)}
    moved: dict[int, Array] = {}
    for call in plan["calls"]:
        if call["name"] == plan["output"] and last_activation(task):
            fields = {**call["fields"], "activation": None}
            apply = apply_of({**call, "fields": fields}, training=training)
        else:
            apply = apply_of(call, training=training)
        given = [values[name] for name in call["inputs"] if name is not None]
        own = [weights[i] for i in call["weights"]]
        values[call["name"]], after = apply(own, given)
        if after:
            moved |= dict(zip(call["weights"][-len(after) :], after, strict=True))
    return values[plan["output"]], moved


def last_activation(task: Task) -> str | None:
    found = task.plan["calls"][-1]["fields"].get("activation")
    return found if found in {"softmax", "sigmoid"} else None


def measured(task: Task, y_pred: Array, y: Array) -> Array:
    kind = task.plan["loss"]
    if kind == "categorical_crossentropy":
        return -(jax.nn.log_softmax(y_pred) * y).sum(-1).mean()
    if kind == "sparse_categorical_crossentropy":
        logs = jax.nn.log_softmax(y_pred)
        return -jnp.take_along_axis(logs, y[..., None], -1).mean()
    if kind == "binary_crossentropy":
        return (jax.nn.softplus(y_pred) - y * y_pred).mean()
    return ((y_pred - y) ** 2).mean()


def updated(plan: dict[str, Any], w: Array, g: Array, slots: list[Array], t: Array) -> Any:
    """A weight and its slots after one update, as Keras' optimizers do it."""
    rate = plan["learning_rate"]
    if plan["kind"] == "sgd":
        velocity = plan["momentum"] * slots[0] - rate * g
        return w + velocity, [velocity]
    if plan["kind"] == "rmsprop":
        square = plan["rho"] * slots[0] + (1 - plan["rho"]) * g * g
        return w - rate * g / jnp.sqrt(square + plan["epsilon"]), [square]
    if plan["kind"] != "adam":
        raise Unsupported(f"the optimizer {plan['kind']} is not written for JAX here")
    b1, b2 = plan["beta_1"], plan["beta_2"]
    m, v = b1 * slots[0] + (1 - b1) * g, b2 * slots[1] + (1 - b2) * g * g
    rate = rate * jnp.sqrt(1 - b2**t) / (1 - b1**t)
    return w - rate * m / (jnp.sqrt(v) + plan["epsilon"]), [m, v]


def make(task: Task) -> Peer:
    trainable = [i for i, yes in enumerate(task.plan["trainable"]) if yes]
    rule = task.plan["optimizer"]
    count = 2 if rule["kind"] == "adam" else 1
    weights = [jnp.asarray(w) for w in task.weights]
    slots = [[jnp.zeros_like(weights[i]) for _ in range(count)] for i in trainable]
    state: list[Any] = [weights, slots, jnp.zeros(())]

    def objective(trained: list[Array], weights: list[Array], xs: list[Array], y: Array) -> Any:
        weights = list(weights)
        for i, w in zip(trainable, trained, strict=True):
            weights[i] = w
        y_pred, moved = forward(task, weights, xs, training=True)
        return measured(task, y_pred, y), moved

    def train(weights: list[Array], slots: Any, t: Array, xs: list[Array], y: Array) -> Any:
        trained = [weights[i] for i in trainable]
        (loss, moved), grads = jax.value_and_grad(objective, has_aux=True)(trained, weights, xs, y)
        weights, after = list(weights), []
        for i, g, own in zip(trainable, grads, slots, strict=True):
            weights[i], changed = updated(rule, weights[i], g, own, t + 1)
            after.append(changed)
        for i, w in moved.items():
            weights[i] = w
        return loss, weights, after, t + 1

    jitted = jax.jit(train, donate_argnums=(0, 1, 2))
    final = {"softmax": jax.nn.softmax, "sigmoid": jax.nn.sigmoid}.get(last_activation(task))

    @jax.jit
    def outputs(weights: list[Array], *xs: Array) -> Array:
        found = forward(task, weights, list(xs), training=False)[0]
        return final(found) if final else found

    batches = task.cycle(jnp.asarray)

    def loss(xs: list[Any], y: Any) -> float:
        found, *state[:] = jitted(*state, list(map(jnp.asarray, xs)), jnp.asarray(y))
        return float(found)

    def step() -> None:
        xs, y = next(batches)
        loss(xs, y)

    def predict(xs: list[np.ndarray]) -> np.ndarray:
        return np.asarray(outputs(state[0], *xs))

    return Peer({"jax": jax.__version__}, loss, step, predict=predict)


if __name__ == "__main__":
    serve(make)
