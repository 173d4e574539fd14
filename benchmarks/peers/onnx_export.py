"""PyTorch's own ONNX export of the model, run on onnxruntime: predictions only.

BENCH_EXPORTER: `dynamo`, torch's default, or `script`, its older exporter.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings

import numpy as np
import onnxruntime as ort
import torch
from torch_loop import Net, tensor
from worker import Peer, Task, Unsupported, serve


class Whole(torch.nn.Module):
    """The model with the activation that training leaves to the loss."""

    def __init__(self, net: Net, last: torch.nn.Module) -> None:
        super().__init__()
        self.net, self.last = net, last

    def forward(self, *xs: torch.Tensor) -> torch.Tensor:
        return self.last(self.net(*xs))


def exported(model: torch.nn.Module, given: tuple[torch.Tensor, ...], names: list[str]) -> bytes:
    """The file that the exporter writes.

    Raises:
        Unsupported: it does not write one.
    """
    file = io.BytesIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        if os.environ.get("BENCH_EXPORTER") == "script":
            axes = {name: {0: "batch"} for name in names}
            torch.onnx.export(
                model, given, file, input_names=names, dynamic_axes=axes, dynamo=False
            )
            return file.getvalue()
        batch = torch.export.Dim("batch", min=1)
        try:
            program = torch.onnx.export(
                model, given, input_names=names, dynamo=True, verbose=False,
                dynamic_shapes={"xs": tuple({0: batch} for _ in given)},
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001 - exporters fail in many ways
            reason = str(error).strip().partition("\n")[0][:200]
            raise Unsupported(f"export: {reason}") from None
        program.save(file)
    return file.getvalue()


def make(task: Task) -> Peer:
    net = Net(task).eval()
    last = {"softmax": torch.nn.Softmax(-1), "sigmoid": torch.nn.Sigmoid()}.get(net.last)
    model = net if last is None else Whole(net, last)
    given = tuple(tensor(x) for x in task.rows(2))
    names = [f"x{i}" for i in range(len(given))]
    model = exported(model, given, names)
    options = ort.SessionOptions()
    options.intra_op_num_threads = task.threads
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def predict(xs: list[np.ndarray]) -> np.ndarray:
        feeds = {name: tensor(x).numpy() for name, x in zip(names, xs, strict=True)}
        return session.run(None, feeds)[0]

    return Peer({"torch": torch.__version__, "onnxruntime": ort.__version__}, predict=predict)


if __name__ == "__main__":
    serve(make)
