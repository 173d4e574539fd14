"""Writes apps/*.json.gz from reference cases of whole models: python freeze_apps.py FOLDER

FOLDER holds `apps/<name>/` with config.json, layers.json, summary.txt (see its README).
Weights and inputs of the forward check are drawn again from their recipe, see tests/model/apps.py.
"""

import gzip
import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
TEXTS = ("summary.txt", "summary_100.txt", "summary_keras2.txt")
TABLES = ("config.json", "config_small.json", "layers.json", "totals.json")


def case(folder):
    found = {name: json.loads((folder / name).read_text()) for name in TABLES}
    found |= {name: (folder / name).read_text() for name in TEXTS if (folder / name).exists()}
    forward = json.loads((folder / "forward.json").read_text())
    found["weights"] = [[w["path"], w["shape"]] for w in forward["weights"]]
    with np.load(folder / "forward.npz") as stored:
        outputs = [stored[f"y{i}"] for i in range(len(stored))]
    found["forward"] = {
        "inputs": [recipe(told) | {"shape": told["shape"]} for told in forward["inputs"]],
        "weights": [recipe(told) for told in forward["weights"]],
        "outputs": [
            {"shape": y.shape, "values": [float(f"{v:.5g}") for v in y.ravel()]} for y in outputs
        ],
    }
    return found


def recipe(told):
    keys = ("kind", "scale", "offset", "low", "high", "value", "sum")
    return {key: told[key] for key in keys if key in told}


if __name__ == "__main__":
    for folder in sorted((Path(sys.argv[1]) / "apps").iterdir()):
        text = json.dumps(case(folder), separators=(",", ":"))
        path = HERE / "apps" / f"{folder.name}.json.gz"
        path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
