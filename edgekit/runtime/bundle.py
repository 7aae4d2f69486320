"""Reads the one-file artefact: a TFLite flatbuffer with an archive behind it that holds the labels and the contract.

The file is untrusted. Sizes are bounded, nothing is extracted to disk, the flatbuffer's hash is compared, and what it
says is checked (``edgekit.runtime.verify``), before any interpreter sees it: a hash says that a file is whole, not who
made it.
"""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from edgekit.contract import CONTRACT_NAME, DETECTOR_NAME, LABELS_NAME, Contract
from edgekit.errors import ContractError
from edgekit.records import read_bounded
from edgekit.runtime.other_models import model_remedy
from edgekit.runtime.regions.detector import MAX_DETECTOR_BYTES, check_detector
from edgekit.runtime.verify.model import check_classifier
from edgekit.runtime.verify.structure import IDENTIFIER
from edgekit.runtime.zip_list import ARCHIVE_ERRORS, measure_directory

MAX_FILE_BYTES = 512 * 1024 * 1024
MAX_MEMBER_BYTES = 8 * 1024 * 1024
MAX_MEMBERS = 32
# An entry of the archive's list takes 46 bytes and what it is called.
MAX_DIRECTORY_BYTES = 1024 * 1024

# Of a file that a conversion's gate refused: nothing takes it unasked.
REJECTED_SUFFIX = ".rejected.tflite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A model file, checked.

    Attributes:
        contract: The contract that the file holds.
        flatbuffer: The TFLite model without the archive; its SHA-256 is the contract's.
        detector: The file that finds the contract's regions; empty where it has none.
        file_sha256: SHA-256 of the whole file as read; empty for a model that was never one. Equality ignores it.
    """

    contract: Contract
    flatbuffer: bytes
    detector: bytes = b""
    file_sha256: str = field(default="", compare=False)


def read_bundle(source: Path | bytes) -> Bundle:
    """Read and check a model file.

    Args:
        source: Path of the model file, or its content; a detector that lies beside a file is read with the path alone.

    Raises:
        ContractError: absent, too large, no TFLite file, without contract, of a newer schema, changed since, or none
            that an interpreter may run (``check_classifier``); or its detector is absent or another.
    """
    name = str(source) if isinstance(source, Path) else "model"
    content = _read(source) if isinstance(source, Path) else source
    if content[4:8] != IDENTIFIER:
        remedy = model_remedy(source) if isinstance(source, Path) else ""
        if remedy:
            raise ContractError(f"{name} must be a TFLite file, {remedy}")
        raise ContractError(
            f"{name} must be a TFLite file (identifier {IDENTIFIER.decode()}), got {content[4:8]!r}; "
            f"`edgekit info {name}` may tell what it is"
        )
    members, start = read_archive(name, content, (CONTRACT_NAME, LABELS_NAME, DETECTOR_NAME))
    if CONTRACT_NAME not in members:
        raise ContractError(f"{name} has no {CONTRACT_NAME} inside: it was not made by edgekit; {_adopt(name)}")
    text = _text(name, CONTRACT_NAME, members[CONTRACT_NAME])
    try:
        contract = Contract.from_json(text)
    except ContractError as mistake:
        raise ContractError(f"{name}: {mistake}") from mistake
    flatbuffer = content[:start]
    digest = hashlib.sha256(flatbuffer)
    if digest.hexdigest() != contract.model_sha256:
        raise ContractError(
            f"{name} was changed after it was made: SHA-256 must be {contract.model_sha256}, got {digest.hexdigest()}; "
            "copy it again"
        )
    labels = _text(name, LABELS_NAME, members.get(LABELS_NAME, b"")).splitlines()
    if tuple(labels) != contract.output_labels:
        raise ContractError(
            f"{name}: {LABELS_NAME} must equal the contract's {list(contract.output_labels)}, got {labels!r:.200}"
        )
    try:
        check_classifier(flatbuffer, side_px=contract.side_px, classes=contract.outputs, heads=contract.head_count)
        detector = _detector(source, contract, members.get(DETECTOR_NAME))
    except ContractError as mistake:
        raise ContractError(f"{name}: {mistake}") from mistake
    # The archive follows the flatbuffer, so its hash goes on to that of the file.
    digest.update(content[start:])
    return Bundle(contract=contract, flatbuffer=flatbuffer, detector=detector, file_sha256=digest.hexdigest())


def _detector(source: Path | bytes, contract: Contract, inside: bytes | None) -> bytes:
    """The detector of a contract's regions, checked; empty where it has none."""
    regions = contract.regions
    promised = regions is not None and regions.place == "inside"
    if inside is not None and not promised:
        raise ContractError(f"its contract promises no {DETECTOR_NAME} inside, the archive has one; convert it again")
    if regions is None:
        return b""
    if inside is None and promised:
        raise ContractError(f"it must have its {regions.thing} detector inside, as {DETECTOR_NAME}; copy it again")
    if inside is None:
        if isinstance(source, bytes):
            raise ContractError(
                f"its {regions.thing} detector lies beside it, as {regions.detector_file}, where the model's file alone"
                " is taken: take a model that has it inside"
            )
        beside, absent = source.parent / regions.detector_file, "no such file; copy it from where the model was made"
        inside = read_bounded(beside, MAX_DETECTOR_BYTES, "a detector", ContractError, absent=absent)
    check_detector(inside, regions)
    return inside


def _read(path: Path) -> bytes:
    if os.path.isdir(path):
        raise ContractError(folder_advice(path))
    return read_bounded(path, MAX_FILE_BYTES, "a model", ContractError, absent="no such model file")


def folder_advice(path: Path) -> str:
    """What to say where a folder is named in place of the model in it, as a run's easily is."""
    remedy = model_remedy(path)
    if remedy:
        return f"{path} must be a TFLite file, {remedy}"
    inside = [one for one in sorted(path.glob("*.tflite")) if not one.name.endswith(REJECTED_SUFFIX)]
    if len(inside) == 1:
        return f"{path}: a model must be a file, got a folder; did you mean {inside[0]}?"
    held = f"it holds {len(inside)}: {', '.join(one.name for one in inside[:5])}" if inside else "it holds none"
    return f"{path}: a model must be a .tflite file, got a folder; name the file ({held})"


def holds_contract(content: bytes) -> bool:
    """Whether a TFLite file has a contract inside, sound or not; one without was made by others."""
    try:
        members, _ = read_archive("model", content, (CONTRACT_NAME,))
    except ContractError:
        return False
    return CONTRACT_NAME in members


def _adopt(name: str) -> str:
    return (
        f"`edgekit adopt {name} --labels labels.txt --out adopted.tflite` makes it a model that every command takes, "
        f"`edgekit info {name}` says what it is"
    )


def read_archive(name: str, content: bytes, wanted: Collection[str]) -> tuple[dict[str, bytes], int]:
    """Read small members of the archive behind a TFLite file.

    Args:
        name: Names the file in messages.
        content: The whole file, which may be anybody's.
        wanted: Names of members; those that are not there are left out.

    Returns:
        What the members hold, and where the archive starts.

    Raises:
        ContractError: there is no readable archive.
    """
    try:
        file = io.BytesIO(content)
        entries, listed = measure_directory(file, MAX_DIRECTORY_BYTES)
        if listed > MAX_DIRECTORY_BYTES or entries > MAX_MEMBERS:
            raise ContractError(
                f"{name}: the archive must have 1 to {MAX_MEMBERS} files, got {entries or 'more'} in a list of {listed}"
                f" bytes (at most {MAX_DIRECTORY_BYTES})"
            )
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            _check_members(name, infos)
            start = min(info.header_offset for info in infos)
            if start < 0:
                raise ContractError(f"{name}: the archive must start inside the file, got offset {start}")
            return {info.filename: _inflate(archive, info) for info in infos if info.filename in wanted}, start
    except ARCHIVE_ERRORS as failure:
        raise ContractError(
            f"{name} has no readable archive with {CONTRACT_NAME} ({failure}): it was cut short, or not made by "
            f"edgekit; {_adopt(name)}"
        ) from failure


def _check_members(name: str, infos: list[zipfile.ZipInfo]) -> None:
    if not 1 <= len(infos) <= MAX_MEMBERS:
        raise ContractError(f"{name}: the archive must have 1 to {MAX_MEMBERS} files, got {len(infos)}")
    names = [info.filename for info in infos]
    if len(set(names)) != len(names):
        # Readers disagree on which of two counts.
        raise ContractError(f"{name}: the archive's files must have different names, got {names}")
    for info in infos:
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ContractError(
                f"{name}: {info.filename} must be stored or deflated, got compression {info.compress_type}"
            )
        if info.file_size > MAX_MEMBER_BYTES:
            raise ContractError(
                f"{name}: {info.filename} must have at most {MAX_MEMBER_BYTES} bytes, got {info.file_size}"
            )


def _inflate(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    # The declared size is only a claim, so reading stops by itself.
    with archive.open(info) as member:
        content = member.read(MAX_MEMBER_BYTES + 1)
    if len(content) > MAX_MEMBER_BYTES:
        raise ContractError(f"{info.filename} must have at most {MAX_MEMBER_BYTES} bytes, got more")
    return content


def _text(name: str, member: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as failure:
        raise ContractError(f"{name}: {member} must be UTF-8: {failure}") from failure
