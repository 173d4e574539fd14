"""Writes apps/*.json.gz from reference cases of whole models: python freeze_apps.py FOLDER

FOLDER holds `apps/<name>/` with config.json, layers.json, summary.txt (see its README).
"""

import gzip
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
TEXTS = ("summary.txt", "summary_100.txt", "summary_keras2.txt")
TABLES = ("config.json", "config_small.json", "layers.json", "totals.json")


def case(folder):
    found = {name: json.loads((folder / name).read_text()) for name in TABLES}
    found |= {name: (folder / name).read_text() for name in TEXTS if (folder / name).exists()}
    forward = json.loads((folder / "forward.json").read_text())
    found["weights"] = [[w["path"], w["shape"]] for w in forward["weights"]]
    return found


if __name__ == "__main__":
    for folder in sorted((Path(sys.argv[1]) / "apps").iterdir()):
        text = json.dumps(case(folder), separators=(",", ":"))
        path = HERE / "apps" / f"{folder.name}.json.gz"
        path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
