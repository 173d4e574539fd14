"""onnxruntime's training build, 1.19.2 (the last): artefacts of PyTorch's export of the model.

Its optimizers are AdamW and plain SGD. AdamW without decay is Keras' Adam; where a model wants
RMSprop or a momentum, the nearest one stands in and only the first loss is that of the others.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnxruntime.training import artifacts, onnxblock
from onnxruntime.training.api import CheckpointState, Module, Optimizer
from torch import Tensor, nn
from torch_loop import Net, tensor
from worker import Peer, Task, Unsupported, serve

LOSSES = {
    "categorical_crossentropy": artifacts.LossType.CrossEntropyLoss,
    "sparse_categorical_crossentropy": artifacts.LossType.CrossEntropyLoss,
    "binary_crossentropy": artifacts.LossType.BCEWithLogitsLoss,
    "mean_squared_error": artifacts.LossType.MSELoss,
}


class Rows(nn.Module):
    """The model with its classes in one axis behind all others: that is what the loss takes."""

    def __init__(self, net: Net) -> None:
        super().__init__()
        self.net = net

    def forward(self, *xs: Tensor) -> Tensor:
        return self.net(*xs).flatten(0, -2)


def exported(task: Task, folder: Path) -> str:
    """The model in training mode, as a file."""
    path, given = str(folder / "model.onnx"), tuple(tensor(x) for x in task.rows(2))
    names = [f"x{i}" for i in range(len(given))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Rows(Net(task)).train(), given, path, input_names=names, output_names=["y"],
            dynamic_axes={name: {0: "batch"} for name in (*names, "y")}, dynamo=False,
            training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False,
            opset_version=17,
        )  # fmt: skip
    return path


def rule(plan: dict[str, Any]) -> tuple[onnxblock.Block, str]:
    """The optimizer, and in what it is not the wanted one."""
    wanted = plan["kind"]
    if wanted == "sgd":
        note = "SGD without momentum in place of one with" if plan["momentum"] else ""
        return onnxblock.optim.SGD(), note
    betas = (plan.get("beta_1", 0.9), plan.get("beta_2", 0.999))
    note = "" if wanted == "adam" else f"AdamW without decay in place of {wanted}"
    return onnxblock.optim.AdamW(betas=betas, eps=plan["epsilon"]), note


def made(task: Task, folder: Path) -> tuple[Module, Optimizer, str]:
    """Training and optimizer sessions.

    Raises:
        Unsupported: the training build cannot do this model.
    """
    block, note = rule(task.plan["optimizer"])
    path = exported(task, folder)
    weights = [tensor.name for tensor in onnx.load(path).graph.initializer]
    fixed = [name for name in weights if "running_" in name or name.endswith("bias_hh_l0")]
    options = ort.SessionOptions()
    options.intra_op_num_threads = task.threads
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    ort.set_default_logger_severity(4)
    try:
        artifacts.generate_artifacts(
            path, [name for name in weights if name not in fixed], fixed,
            LOSSES[task.plan["loss"]], block, str(folder),
        )  # fmt: skip
        state = CheckpointState.load_checkpoint(str(folder / "checkpoint"))
        module = Module(
            str(folder / "training_model.onnx"), state, str(folder / "eval_model.onnx"),
            "cpu", options,
        )  # fmt: skip
        optimizer = Optimizer(str(folder / "optimizer_model.onnx"), module)
    except Exception as error:  # noqa: BLE001 - the build has many words for what it lacks
        raise Unsupported(str(error).strip().partition("\n")[0][:200]) from None
    optimizer.set_learning_rate(task.plan["optimizer"]["learning_rate"])
    return module, optimizer, note


def make(task: Task) -> Peer:
    folder = Path(tempfile.mkdtemp())
    torch.set_num_threads(task.threads)
    module, rule, note = made(task, folder)
    kind = task.plan["loss"]

    def values(xs: list[np.ndarray], y: np.ndarray) -> list[ort.OrtValue]:
        if kind == "categorical_crossentropy":
            y = y.argmax(-1)
        if kind.endswith("categorical_crossentropy"):
            y = y.reshape(-1).astype(np.int64)
        arrays = [*(tensor(x).numpy() for x in xs), np.ascontiguousarray(y)]
        return [ort.OrtValue.ortvalue_from_numpy(a) for a in arrays]

    ready = [values(xs, y) for xs, y in task.batches()]
    position = 0

    def train(given: list[ort.OrtValue]) -> float:
        module.train()
        loss = float(module(*given).numpy())
        rule.step()
        module.lazy_reset_grad()
        return loss

    def step() -> None:
        nonlocal position
        position = (position + 1) % len(ready)
        train(ready[position])

    served: list[ort.InferenceSession] = []
    after = {"softmax": lambda y: torch.softmax(y, -1), "sigmoid": torch.sigmoid}
    last = task.plan["calls"][-1]["fields"].get("activation")

    def predict(xs: list[np.ndarray]) -> np.ndarray:
        if not served:
            path = str(folder / "infer.onnx")
            module.export_model_for_inferencing(path, ["y"])
            options = ort.SessionOptions()
            options.intra_op_num_threads = task.threads
            served.append(ort.InferenceSession(path, options, providers=["CPUExecutionProvider"]))
        names = [item.name for item in served[0].get_inputs()]
        feeds = {n: tensor(x).numpy() for n, x in zip(names, xs, strict=True)}
        found = torch.from_numpy(served[0].run(None, feeds)[0])
        found = after[last](found) if last in after else found
        return found.reshape(len(xs[0]), *task.plan["output_shape"]).numpy()

    return Peer(
        {"onnxruntime-training": ort.__version__},
        lambda xs, y: train(values(xs, y)),
        step,
        predict=predict,
        note=note,
        alike=1 if note else None,
    )


if __name__ == "__main__":
    serve(make)
