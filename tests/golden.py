"""Reference numbers of Keras 3.15.1: the frozen subset in this repository, and all when present.

`SPECC_GOLDEN` names the folder of the whole set; by default `../shared/golden/keras` beside the
checkout. Tests over the whole set run only where it is.
"""

import functools
import gzip
import json
import os
from pathlib import Path

FROZEN = Path(__file__).parent / "frozen"
ROOT = Path(__file__).parents[1]
GOLDEN = Path(os.environ.get("SPECC_GOLDEN", ROOT.parent / "shared" / "golden" / "keras"))


@functools.cache
def app(name):
    """One frozen application: its configurations, layers, totals, summaries."""
    return json.loads(gzip.decompress((FROZEN / "apps" / f"{name}.json.gz").read_bytes()))


APPS = sorted(path.name.removesuffix(".json.gz") for path in (FROZEN / "apps").glob("*.gz"))


@functools.cache
def graphs():
    """Models with awkward graphs, see frozen/make_graphs.py."""
    return json.loads((FROZEN / "graphs.json").read_text())["cases"]


def cases(family):
    """Paths of the whole set's cases of `layers` or `training`; none where it is absent."""
    return sorted((GOLDEN / family).glob("*.json")) if GOLDEN.is_dir() else []
