"""PyTorch's own ONNX export of the model, run on onnxruntime: predictions only."""

from __future__ import annotations

import io
import warnings

import numpy as np
import onnxruntime as ort
import torch
from torch_loop import Net, tensor
from worker import Peer, Task, serve


def make(task: Task) -> Peer:
    net = Net(task).eval()
    softmax = net.last == "softmax"
    model = torch.nn.Sequential(net, torch.nn.Softmax(-1)) if softmax else net
    given = tuple(tensor(x) for x in task.rows(2))
    names = [f"x{i}" for i in range(len(given))]
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        axes = {name: {0: "batch"} for name in names}
        torch.onnx.export(model, given, file, input_names=names, dynamic_axes=axes, dynamo=False)
    options = ort.SessionOptions()
    options.intra_op_num_threads = task.threads
    session = ort.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])

    def predict(xs: list[np.ndarray]) -> np.ndarray:
        feeds = {name: tensor(x).numpy() for name, x in zip(names, xs, strict=True)}
        return session.run(None, feeds)[0]

    return Peer({"torch": torch.__version__, "onnxruntime": ort.__version__}, predict=predict)


if __name__ == "__main__":
    serve(make)
