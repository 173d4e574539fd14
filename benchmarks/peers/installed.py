"""MB that distributions take with all they require. Arguments: names; runs in their Python."""

from __future__ import annotations

import importlib.util
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path


def closure(names: list[str]) -> dict[str, Distribution]:
    """Distributions by name, with what is installed of what they require without extras."""
    found: dict[str, Distribution] = {}
    waiting = list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue  # for another platform
        needed = [line for line in found[name].requires or () if "extra ==" not in line]
        waiting += [re.match(r"[\w.-]+", line)[0] for line in needed]
    return found


def size(one: Distribution) -> int:
    """Bytes of a distribution's files; of its folder when it is installed in place."""
    total = 0
    for file in one.files or ():
        path = Path(one.locate_file(file))
        if path.is_file() and path.suffix != ".pyc":
            total += path.stat().st_size
    folder = importlib.util.find_spec(one.name.replace("-", "_")) if total < 100_000 else None
    if folder is not None and folder.origin is not None:
        package = Path(folder.origin).parent
        total = max(total, sum(f.stat().st_size for f in package.rglob("*.py")))
    return total


if __name__ == "__main__":
    print(round(sum(map(size, closure(sys.argv[1:]).values())) / 1e6))
