"""What Ultralytics' exporter writes into the archive behind a ``.tflite`` file: task and names of the classes."""

from __future__ import annotations

import ast
import json

from edgekit.errors import ContractError
from edgekit.modelfile.metadata import Metadata
from edgekit.runtime.bundle import read_archive

# Today's exporter writes JSON, that of 2023 to 2025 a Python dictionary.
_MEMBERS = ("metadata.json", "temp_meta.txt")
_MOST_BYTES = 1024 * 1024
# What reading a literal of anybody's can end with.
_UNREADABLE = (ValueError, SyntaxError, RecursionError, MemoryError)


def read_ultralytics(content: bytes) -> tuple[Metadata, dict[str, str]] | None:
    """Metadata and labels of a file that Ultralytics exported; None for all others.

    Their classifiers take bytes divided by 255; for other tasks nothing is said of that.

    Args:
        content: The whole file, which may be anybody's.
    """
    try:
        members, _ = read_archive("model", content, _MEMBERS)
    except ContractError:
        return None
    for name, raw in members.items():
        told = _dictionary(name, raw)
        names, task = told.get("names"), told.get("task")
        if isinstance(names, dict) and isinstance(task, str):
            is_classifier = task == "classify"
            numbered = {str(key): str(label) for key, label in names.items()}
            labels = [numbered.get(str(number), "") for number in range(len(numbered))]
            metadata = Metadata(
                name=str(told.get("description", ""))[:200],
                description=f"exported by Ultralytics for the task {task[:40]}",
                mean=(0.0,) if is_classifier else (),
                std=(255.0,) if is_classifier else (),
                label_files=(name,),
            )
            return metadata, {name: "\n".join(labels)}
    return None


def _dictionary(name: str, raw: bytes) -> dict[object, object]:
    if len(raw) > _MOST_BYTES:
        return {}
    try:
        text = raw.decode("utf-8")
        found = json.loads(text) if name.endswith(".json") else ast.literal_eval(text)
    except _UNREADABLE:
        return {}
    return found if isinstance(found, dict) else {}
