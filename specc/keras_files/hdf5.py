"""HDF5 through h5py, which the extra `keras` brings along; nothing outside a file is followed."""

from __future__ import annotations

import importlib
import io
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from specc.errors import RuntimeSetupError

Array: TypeAlias = npt.NDArray[Any]


def h5py() -> Any:  # noqa: ANN401 - h5py has no types
    """The library.

    Raises:
        RuntimeSetupError: it is not installed.
    """
    try:
        return importlib.import_module("h5py")
    except ImportError as error:
        raise RuntimeSetupError(
            "expected h5py to read and write weights of Keras, found it not installed; "
            "type: pip install 'specc[keras]'"
        ) from error


class Stored:
    """The arrays of an HDF5 file in memory.

    Raises:
        ValueError: it is none.
    """

    def __init__(self, content: bytes) -> None:
        self.library = h5py()
        try:
            self.root: Any = self.library.File(io.BytesIO(content), "r")
        except OSError as error:
            raise ValueError(f"no HDF5 file ({error})") from error

    def _at(self, path: str) -> Any:  # noqa: ANN401
        """What stands at a path; None when there is nothing.

        Raises:
            ValueError: a link leads elsewhere.
        """
        here = self.root
        for part in path.split("/"):
            link = here.get(part, getlink=True) if isinstance(here, self.library.Group) else None
            if link is None:
                return None
            if type(link) is not self.library.HardLink:
                raise ValueError(f"{path} is a link to elsewhere")
            here = here[part]
        return here

    def count(self, group: str) -> int:
        """Number of arrays in a group; 0 where there is none."""
        found = self._at(group)
        return 0 if found is None else len(found)

    def shape(self, path: str) -> tuple[int, ...] | None:
        """Shape of an array; None when there is none.

        Raises:
            ValueError: its elements stand in another file, or are no numbers.
        """
        found = self._at(path)
        if not isinstance(found, self.library.Dataset):
            return None
        if found.external or found.is_virtual:
            raise ValueError(f"{path} keeps its elements in another file")
        if found.dtype.kind not in "fiub":
            raise ValueError(f"{path} holds {found.dtype}, no numbers")
        return tuple(cast("Sequence[int]", found.shape))

    def array(self, path: str) -> Array:
        """An array whose shape is already known to be right."""
        return np.asarray(self._at(path)[()])

    def close(self) -> None:
        """Forget the file."""
        self.root.close()


def written(groups: Mapping[str, Sequence[Array]]) -> bytes:
    """A file with numbered arrays in each group."""
    content = io.BytesIO()
    with h5py().File(content, "w") as root:
        for group, arrays in groups.items():
            made = root.require_group(group)
            for i, array in enumerate(arrays):
                made.create_dataset(str(i), data=array)
    return content.getvalue()
