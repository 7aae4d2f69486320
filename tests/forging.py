"""Model files that are forged: their flatbuffer is changed, and their contract has the hash of what it is now."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from edgekit.contract import CONTRACT_NAME, LABELS_NAME, Contract
from edgekit.modelfile.flatbuffer import pack
from edgekit.records import sha256

Edit = Callable[[Any, Any], object]


def edited(flatbuffer: bytes, edit: Edit) -> bytes:
    """The flatbuffer after ``edit(model, graph)`` on the schema's objects, which nothing checks."""
    model = schema.ModelT.InitFromPackedBuf(flatbuffer)
    edit(model, model.subgraphs[0])
    return pack(model)


def patched(flatbuffer: bytes, at: int, content: bytes) -> bytes:
    """The flatbuffer with some bytes in another's place."""
    return flatbuffer[:at] + content + flatbuffer[at + len(content) :]


def forged(flatbuffer: bytes, contract: Contract) -> bytes:
    """A model file of any flatbuffer, whole and with the right hash, as somebody who means harm would make it."""
    contract = replace(contract, model_sha256=sha256(flatbuffer))
    file = io.BytesIO()
    file.seek(len(flatbuffer))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(LABELS_NAME), "\n".join(contract.labels) + "\n")
        archive.writestr(zipfile.ZipInfo(CONTRACT_NAME), contract.to_json())
    return flatbuffer + file.getvalue()[len(flatbuffer) :]
