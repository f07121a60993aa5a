"""A YAML file that says what a verb is asked for, in the words of its options. Imports nothing heavy."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from yolo_koin.errors import UsageError
from yolo_koin.options import described
from yolo_koin.specs import Spec

EXAMPLE = "See configs/sample.yaml."


def read_config(path: Path, spec: type[Spec]) -> dict[str, Any]:
    """The fields of a spec that a file names: ``train_on: [normal, both]``, or as the option is spelled, ``train-on: normal,both``.

    Args:
        path: of the file, UTF-8.
        spec: what it is for.

    Returns:
        Field → value, not checked yet: the spec does.

    Raises:
        UsageError: there is no such file, it is not YAML, or a key is no field; the nearest ones are told.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"cannot read the configuration ({error.strerror})", path, "Correct the path.") from error
    except (ValueError, yaml.YAMLError) as error:
        raise UsageError(f"not YAML ({_where(error)})", path, EXAMPLE) from error
    return _fields(content, spec, path)


def _fields(content: Any, spec: type[Spec], path: Path) -> dict[str, Any]:
    """What a mapping says, by the names of the fields; each of several matrices in turn."""
    if not isinstance(content, dict):
        raise UsageError("a configuration has lines such as 'epochs: 30'", path, EXAMPLE)
    known = {(one.option.flag or one.name).replace("-", "_"): one.name for one in described(spec)}
    given = {str(key).replace("-", "_"): value for key, value in content.items()}
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, known, 3) or sorted(known)
            raise UsageError("no such setting", f"{path}: {key}", f"Near names are {', '.join(near)}.")
    if isinstance(given.get("matrices"), dict):  # one alone, without its dash
        given["matrices"] = [given["matrices"]]
    if isinstance(blocks := given.get("matrices"), list):
        given["matrices"] = [_fields(block, spec, path) for block in blocks]
    return {known[key]: tuple(value) if isinstance(value, list) else value for key, value in given.items() if value is not None}


def _where(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: {getattr(error, 'problem', '')}" if mark else str(error)
