"""Where a Keras configuration comes from: a mapping, JSON text, a .json or a .keras file."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias, cast

from specc.errors import Place, Problem, SpecError

# A JSON object.
Json: TypeAlias = Mapping[str, Any]
CONFIG_FILE, WEIGHTS_FILE = "config.json", "model.weights.h5"
# Bytes that a member of an archive may unpack to: more than any real one.
MOST_BYTES = {CONFIG_FILE: 2**28, WEIGHTS_FILE: 2**35}
MOST_ASSET = 2**26


def read(source: Json | str | Path) -> tuple[Json, str]:
    """(configuration, file it came from or "").

    Raises:
        SpecError: there is no such file, or it holds no configuration.
    """
    if isinstance(source, Mapping):
        return source, ""
    if isinstance(source, str) and source.lstrip().startswith("{"):
        return _parsed(source, ""), ""
    path = Path(source)
    if not path.is_file():
        raise _wrong(path, "no such file; give a .json or .keras file, JSON text, or a mapping")
    return _parsed(_text(path), str(path)), str(path)


def _text(path: Path) -> str:
    """The JSON inside a file; a `.keras` file is a zip archive with a `config.json`."""
    if path.suffix in (".h5", ".hdf5"):
        raise _wrong(path, "HDF5 models are not read; save the model as .keras, or its to_json()")
    if not zipfile.is_zipfile(path):
        try:
            return path.read_text("utf-8")
        except UnicodeDecodeError as error:
            raise _wrong(path, f"neither JSON nor a .keras archive ({error.reason})") from error
    return member(path, CONFIG_FILE).decode("utf-8", "replace")


def member(path: Path, name: str) -> bytes:
    """The content of one member of a `.keras` archive.

    Raises:
        SpecError: there is no such archive or member, or it is damaged or too large.
    """
    most = MOST_BYTES.get(name, MOST_ASSET)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(name) as stream:
            size = archive.getinfo(name).file_size
            content = b"" if size > most else stream.read(most + 1)
    except FileNotFoundError as error:
        raise _wrong(path, "no such file; give a .keras file") from error
    except KeyError as error:
        found = " (weights in several files are not read)" if "weights" in name else ""
        raise _wrong(path, f"the archive has no readable {name}{found}") from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, RuntimeError) as error:
        raise _wrong(path, f"expected a .keras archive with {name}: {error}") from error
    if size > most or len(content) > most:
        raise _wrong(path, f"{name} unpacks to more than {most:,} bytes")
    return content


def members(path: Path, name: str) -> dict[str, bytes]:
    """Every member of an archive that is called `name`, in whatever folder, by its whole name.

    Raises:
        SpecError: the archive is damaged, or one of them is too large.
    """
    if not zipfile.is_zipfile(path):
        return {}
    try:
        with zipfile.ZipFile(path) as archive:
            every = [each for each in archive.namelist() if each.rpartition("/")[2] == name]
    except (zipfile.BadZipFile, OSError) as error:
        raise _wrong(path, f"expected a .keras archive: {error}") from error
    return {each: member(path, each) for each in every}


def _parsed(text: str, file: str) -> Json:
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        place = Place(file, error.lineno, error.colno)
        raise SpecError(Problem(place, "", f"not JSON: {error.msg}")) from error
    if not isinstance(config, dict):
        raise SpecError(Problem(Place(file), "", "expected a JSON object, a model's configuration"))
    return cast("Json", config)


def _wrong(path: Path, message: str) -> SpecError:
    return SpecError(Problem(Place(str(path)), "", message))
