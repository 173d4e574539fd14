"""PyTorch trains a text model on batches in a given order: TASK.npz PLAN.json BATCHES.npz OUT.json.

BATCHES.npz holds training windows `x`, `y`, held-out ones `val_x`, `val_y`, the rows of each step
`rows` (steps, batch), and the steps behind which the held-out loss is wanted `points`.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn.utils import clip_grad_norm_
from torch_loop import Net, objective, optimizer
from worker import read


def main() -> None:
    arrays, plan, batches, out = sys.argv[1:]
    task = read(arrays, plan)
    torch.set_num_threads(task.threads)
    torch.manual_seed(0)
    with np.load(batches) as file:
        given = {name: torch.from_numpy(a) for name, a in file.items()}
    net, measure = Net(task), objective(task)
    rule, clips = optimizer(task, net), task.plan["optimizer"]
    weights = [p for p in net.parameters() if p.requires_grad]

    def held_out() -> float:
        """Mean loss over all windows."""
        net.eval()
        size, total = given["rows"].shape[1], 0.0
        with torch.inference_mode():
            for x, y in zip(given["val_x"].split(size), given["val_y"].split(size), strict=True):
                total += measure(net(x), y).item() * len(x)
        return total / len(given["val_x"])

    points, losses, found = set(given["points"].tolist()), [], {}
    for step, rows in enumerate(given["rows"], 1):
        net.train()
        rule.zero_grad(set_to_none=True)
        loss = measure(net(given["x"][rows]), given["y"][rows])
        loss.backward()
        if clips["clipnorm"] is not None:  # Keras': each gradient by itself
            for weight in weights:
                clip_grad_norm_([weight], clips["clipnorm"])
        if clips["global_clipnorm"] is not None:
            clip_grad_norm_(weights, clips["global_clipnorm"])
        # Keras adds epsilon to the root of v as it is, PyTorch to the one without bias.
        epsilon = clips["epsilon"] / math.sqrt(1 - clips["beta_2"] ** step)
        rule.param_groups[0]["eps"] = epsilon
        rule.step()
        losses.append(loss.item())
        if step in points:
            found[str(step)] = held_out()
            print(f"  torch {step}: {found[str(step)]:.4f}", file=sys.stderr, flush=True)
    Path(out).write_text(json.dumps({"losses": losses, "held_out": found}))


if __name__ == "__main__":
    main()
