"""PyTorch: the usual training loop, as fast as its options make it: fused optimizers, gradients
set to None, denormals flushed. BENCH_FORM: eager, channels_last, compile, or max_autotune, which
is `compile` in that mode.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_layers import module_of
from worker import Peer, Task, Unsupported, serve

FORM = os.environ.get("BENCH_FORM", "eager")


class Net(nn.Module):
    """The model of the plan. A last softmax or sigmoid is left to the loss, and to `predict`."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.inputs = [item["name"] for item in task.plan["inputs"]]
        self.calls = [dict(call) for call in task.plan["calls"]]
        last = self.calls[-1]
        self.last = last["fields"].get("activation")
        if self.last in {"softmax", "sigmoid"}:
            last["fields"] = {**last["fields"], "activation": None}
        named = {call["name"]: call for call in self.calls}
        self.parts = nn.ModuleList(
            module_of(call, task, named.get(call["inputs"][0])) for call in self.calls
        )

    def forward(self, *xs: Tensor) -> Tensor:
        values = dict(zip(self.inputs, xs, strict=True))
        for call, part in zip(self.calls, self.parts, strict=True):
            values[call["name"]] = part(*(values[name] for name in call["inputs"] if name))
        return values[self.calls[-1]["name"]]


class KerasRMSprop(torch.optim.Optimizer):
    """RMSprop with epsilon inside of the root, as Keras has it, by the kernels of `foreach`."""

    def __init__(self, parameters: list[Tensor], lr: float, rho: float, epsilon: float) -> None:
        super().__init__(parameters, {})
        self.lr, self.rho, self.epsilon = lr, rho, epsilon
        self.weights = parameters
        self.squares = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self, closure: object = None) -> None:
        del closure
        grads = [p.grad for p in self.weights]
        torch._foreach_mul_(self.squares, self.rho)
        torch._foreach_addcmul_(self.squares, grads, grads, 1 - self.rho)
        roots = torch._foreach_add(self.squares, self.epsilon)
        torch._foreach_sqrt_(roots)
        torch._foreach_addcdiv_(self.weights, grads, roots, -self.lr)


def optimizer(task: Task, net: nn.Module) -> torch.optim.Optimizer:
    plan = task.plan["optimizer"]
    rate, weights = plan["learning_rate"], [p for p in net.parameters() if p.requires_grad]
    if plan["kind"] == "rmsprop":
        return KerasRMSprop(weights, rate, plan["rho"], plan["epsilon"])
    if plan["kind"] == "sgd":
        return torch.optim.SGD(weights, rate, plan["momentum"], fused=True)
    if plan["kind"] in {"adam", "adamw"}:
        betas = (plan["beta_1"], plan["beta_2"])
        decay = plan["weight_decay"] or 0.0
        return torch.optim.AdamW(weights, rate, betas, plan["epsilon"], decay, fused=True)
    raise Unsupported(f"the optimizer {plan['kind']} is not written for PyTorch here")


def objective(task: Task) -> Callable[[Tensor, Tensor], Tensor]:
    losses: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "categorical_crossentropy": functional.cross_entropy,
        "sparse_categorical_crossentropy": lambda p, y: functional.cross_entropy(
            p.flatten(0, -2), y.flatten().long()
        ),
        "binary_crossentropy": functional.binary_cross_entropy_with_logits,
        "mean_squared_error": functional.mse_loss,
    }
    return losses[task.plan["loss"]]


def tensor(array: np.ndarray) -> Tensor:
    """As a loader gives it: images channel first."""
    found = torch.from_numpy(array)
    if array.ndim != 4:
        return found
    found = found.permute(0, 3, 1, 2)
    if FORM == "channels_last":
        return found.contiguous(memory_format=torch.channels_last)
    return found.contiguous()


def make(task: Task) -> Peer:
    torch.set_num_threads(task.threads)
    torch.manual_seed(0)
    net = Net(task)
    if FORM == "channels_last":
        net = net.to(memory_format=torch.channels_last)
    # TensorFlow and XLA flush denormals by themselves.
    torch.set_flush_denormal(True)
    modes = {"compile": "default", "max_autotune": "max-autotune-no-cudagraphs"}
    called = torch.compile(net, mode=modes[FORM]) if FORM in modes else net
    rule, measure = optimizer(task, net), objective(task)
    batches = task.cycle(tensor)

    def train(xs: list[Tensor], y: Tensor) -> float:
        rule.zero_grad(set_to_none=True)
        loss = measure(called(*xs), y)
        loss.backward()
        rule.step()
        return loss.item()

    def loss(xs: list[np.ndarray], y: np.ndarray) -> float:
        net.train()
        return train([tensor(x) for x in xs], torch.from_numpy(y))

    def step() -> None:
        xs, y = next(batches)
        train(xs, y)

    after = {"softmax": lambda x: x.softmax(-1), "sigmoid": torch.sigmoid}.get(net.last)

    def predict(xs: list[np.ndarray]) -> np.ndarray:
        net.eval()
        with torch.inference_mode():
            out = called(*(tensor(x) for x in xs))
            return (after(out) if after else out).numpy()

    return Peer({"torch": torch.__version__}, loss, step, predict=predict)


if __name__ == "__main__":
    serve(make)
