"""The model file is untrusted: what is wrong is a ContractError, and nothing changed reaches an interpreter."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import subprocess
import sys
import warnings
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from edgekit.errors import ContractError
from edgekit.modelfile.write import write_bundle
from edgekit.runtime import read_bundle
from edgekit.runtime.bundle import MAX_MEMBER_BYTES

LABELS = b"genuine\nrecapture\n"


@pytest.fixture(scope="module")
def content(red_blue_file):
    return red_blue_file.read_bytes()


@pytest.fixture(scope="module")
def make(red_blue):
    """``make(contract={…}, labels=b"…", extra=[(name, bytes)])``: the model with another archive behind it."""

    def make(*, contract=None, labels=LABELS, extra=(), compression=zipfile.ZIP_STORED):
        members = list(extra)
        if contract is None:
            contract = red_blue.contract.to_json().encode()
        if contract:
            members.append(("edgekit.json", contract))
        if labels:
            members.append(("labels.txt", labels))
        file = io.BytesIO(red_blue.flatbuffer)
        with warnings.catch_warnings(), zipfile.ZipFile(file, "a", compression) as archive:
            warnings.simplefilter("ignore")  # zipfile warns of the duplicate names that a test wants
            for name, data in members:
                archive.writestr(name, data)
        return file.getvalue()

    return make


@pytest.fixture(scope="module")
def contract_with(red_blue):
    """``contract_with(key=value)``: the contract's JSON with other values; ``key=...`` leaves the key out."""

    def contract_with(**changes):
        raw = {**json.loads(red_blue.contract.to_json()), **changes}
        return json.dumps({key: value for key, value in raw.items() if value is not ...}).encode()

    return contract_with


def headers(content, name):
    """Where the local and the central header of a member start."""
    encoded = name.encode()
    local = content.index(encoded, content.index(b"PK\x03\x04")) - 30
    central = content.rindex(encoded) - 46
    assert (content[local : local + 4], content[central : central + 4]) == (b"PK\x03\x04", b"PK\x01\x02")
    return local, central


def patched(content, *changes):
    """Overwrite 16-bit fields: (offset, value)."""
    changed = bytearray(content)
    for offset, value in changes:
        struct.pack_into("<H", changed, offset, value)
    return bytes(changed)


def test_a_whole_file_is_read(red_blue_file, content):
    bundle = read_bundle(red_blue_file)
    assert bundle == read_bundle(content)
    assert bundle.contract.labels == ("genuine", "recapture")
    assert bundle.flatbuffer[4:8] == b"TFL3"
    assert content.startswith(bundle.flatbuffer)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="by-another-zip-tool"),
        pytest.param({"compression": zipfile.ZIP_DEFLATED}, id="deflated"),
        pytest.param({"extra": [("README.txt", b"hello")]}, id="with-another-file"),
        pytest.param({"labels": b"genuine\r\nrecapture\r\n"}, id="labels-edited-on-windows"),
        pytest.param({"labels": b"genuine\nrecapture"}, id="labels-without-final-newline"),
    ],
)
def test_harmless_archives_are_read(make, red_blue, options):
    assert read_bundle(make(**options)) == red_blue


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        pytest.param(b"", r"must be a TFLite file \(identifier TFL3\), got b''", id="empty"),
        pytest.param(b"PK\x03\x04" + bytes(100), "must be a TFLite file", id="zip"),
        pytest.param(b"\xff\xd8\xff\xe0" + bytes(100), "must be a TFLite file", id="jpeg"),
        pytest.param(b"\x1c\0\0\0TFL3", "no readable archive.*not made by edgekit", id="only-the-identifier"),
    ],
)
def test_other_files_are_refused(bad, message):
    with pytest.raises(ContractError, match=message):
        read_bundle(bad)


def test_a_model_without_archive_is_refused(red_blue):
    with pytest.raises(ContractError, match=r"no readable archive with edgekit.json"):
        read_bundle(red_blue.flatbuffer)


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(ContractError, match=r"absent.tflite: no such model file"):
        read_bundle(tmp_path / "absent.tflite")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ContractError, match=r"a model must be a \.tflite file, got a folder"):
        read_bundle(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"schema": 4}, "has schema 4, this edgekit reads up to 3: pip install --upgrade", id="newer"),
        pytest.param({"schema": 0}, "must have schema 1 to 3, got 0", id="older"),
        pytest.param({"schema": "1"}, "must have schema 1 to 3, got '1'", id="schema-is-text"),
        pytest.param({"schema": True}, "schema must be int, got True", id="schema-is-bool"),
        pytest.param({"schema": ...}, "must have schema 1 to 3, got None", id="no-schema"),
        pytest.param(
            {"schema": 2, "heads": ["centre", "1/4", "native"]},
            "a model with 3 heads must have two outputs, got 1",
            id="heads-of-another-model",
        ),
        pytest.param({"tresholds": 1}, r"unknown \['tresholds'\]", id="unknown-key"),
        pytest.param({"labels": ...}, r"missing \['labels'\]", id="missing-key"),
        pytest.param({"side_px": "8"}, "side_px must be int, got '8'", id="number-as-text"),
        pytest.param({"side_px": 8.0}, "side_px must be int, got 8.0", id="float-for-int"),
        pytest.param({"side_px": True}, "side_px must be int, got True", id="bool-for-int"),
        pytest.param({"side_px": 100_000}, "side must be 8 to 1024", id="huge-side"),
        pytest.param({"name": None}, "name must be str, got None", id="null-name"),
        pytest.param({"name": "\x1b[2Jevil"}, "name must be printable", id="terminal-escape-in-name"),
        pytest.param({"name": "\ud800"}, "name must be printable", id="lone-surrogate"),
        pytest.param({"name": "n" * 1000}, "at most 200 characters", id="long-name"),
        pytest.param({"labels": "genuine"}, "labels must be tuple", id="labels-is-text"),
        pytest.param({"labels": ["genuine", 1]}, r"labels\[1\] must be str", id="label-is-number"),
        pytest.param({"labels": ["genuine"]}, "2 to 10000 different labels", id="one-label"),
        pytest.param({"labels": ["genuine", "genuine"]}, "different labels", id="same-labels"),
        pytest.param({"labels": ["genuine", "retake"]}, "not 'retake'", id="reserved-label"),
        pytest.param({"labels": ["genuine", "re\ncapture"]}, "printable", id="newline-in-label"),
        pytest.param({"bona_fide": "live"}, "bona fide label must be one of", id="foreign-bona-fide"),
        pytest.param({"precision": "int4"}, "precision must be one of", id="unknown-precision"),
        pytest.param({"model_sha256": "0" * 63}, "64 hex digits", id="short-hash"),
        pytest.param({"model_sha256": "0" * 64}, "was changed after it was made", id="another-hash"),
        pytest.param({"plan": {"crops": 10**9}}, "1 to 1000 crops", id="a-billion-crops"),
        pytest.param({"plan": {"cycle": ["2/1"]}}, "crop scale must be", id="scale-above-one"),
        pytest.param({"plan": {"cycle": []}}, "needs 1 to 64", id="no-scales"),
        pytest.param({"plan": []}, "plan must be an object", id="plan-is-a-list"),
        pytest.param({"decision": {"vote": "max"}}, "vote must be one of", id="unknown-vote"),
        pytest.param({"decision": {"temperature": 0}}, "temperature must lie in", id="zero-temperature"),
        pytest.param({"decision": {"threshold": float("nan")}}, "a number must have digits, got NaN", id="nan"),
        pytest.param({"decision": {"threshold": 2}}, "threshold must lie in 0 to 1", id="threshold-above-one"),
        pytest.param({"decision": {"abstain": [0.6, 0.4]}}, "abstain band must be", id="band-turned-round"),
        pytest.param({"decision": {"abstain": [0.6]}}, "abstain must be", id="half-a-band"),
    ],
)
def test_bad_contracts_are_refused(make, contract_with, changes, message):
    with pytest.raises(ContractError, match=f"model: .*{message}|model {message}"):
        read_bundle(make(contract=contract_with(**changes)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"contract": b""}, "has no edgekit.json inside: it was not made by edgekit", id="no-contract"),
        pytest.param({"contract": b"{"}, "edgekit.json must be JSON", id="cut-json"),
        pytest.param({"contract": b"[1]"}, "must have schema 1 to 3, got None", id="a-list"),
        pytest.param({"contract": b"[" * 100_000}, "edgekit.json must be JSON", id="nested-too-deep"),
        pytest.param({"contract": b"9" * 100_000}, "edgekit.json must be JSON|schema 1", id="a-huge-number"),
        pytest.param({"contract": b'{"name": "\xff"}'}, "edgekit.json must be UTF-8", id="contract-not-utf-8"),
        pytest.param({"contract": "{}".encode("utf-16")}, "UTF-8|JSON", id="contract-in-utf-16"),
        pytest.param({"labels": b""}, "labels.txt must equal the contract's", id="no-labels"),
        pytest.param({"labels": b"recapture\ngenuine\n"}, "labels.txt must equal", id="labels-in-another-order"),
        pytest.param({"labels": b"genuine\nrecapture\n\n"}, "labels.txt must equal", id="one-label-more"),
        pytest.param({"labels": b"genuine\n\xe9cran\n"}, "labels.txt must be UTF-8", id="labels-in-latin-1"),
        pytest.param({"extra": [("labels.txt", LABELS)]}, "must have different names", id="labels-twice"),
        pytest.param({"extra": [("edgekit.json", b"{}")]}, "must have different names", id="contract-twice"),
        pytest.param({"extra": [(f"{n}.txt", b"") for n in range(40)]}, "1 to 32 files, got 42", id="many-files"),
        pytest.param(
            {"extra": [("bomb.bin", bytes(MAX_MEMBER_BYTES + 1))], "compression": zipfile.ZIP_DEFLATED},
            "bomb.bin must have at most",
            id="bomb",
        ),
        pytest.param({"compression": zipfile.ZIP_BZIP2}, "stored or deflated, got compression 12", id="bzip2"),
        pytest.param({"compression": zipfile.ZIP_LZMA}, "stored or deflated, got compression 14", id="lzma"),
    ],
)
def test_bad_archives_are_refused(make, options, message):
    with pytest.raises(ContractError, match=message):
        read_bundle(make(**options))


def test_files_are_counted_before_they_are_read(make, monkeypatch):
    content = make(extra=[(f"{n}.txt", b"") for n in range(40)])
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("read before it was bounded"))
    with pytest.raises(ContractError, match="1 to 32 files, got 42"):
        read_bundle(content)


class TestCraftedHeaders:
    """Fields of the archive that no zip tool writes so."""

    def test_an_encrypted_member(self, content):
        local, central = headers(content, "edgekit.json")
        with pytest.raises(ContractError, match="encrypted"):
            read_bundle(patched(content, (local + 6, 1), (central + 8, 1)))

    def test_an_unknown_compression(self, content):
        local, central = headers(content, "labels.txt")
        with pytest.raises(ContractError, match="stored or deflated, got compression 99"):
            read_bundle(patched(content, (local + 8, 99), (central + 10, 99)))

    def test_a_patch_that_no_reader_knows(self, content):
        local, central = headers(content, "labels.txt")
        with pytest.raises(ContractError, match="no readable archive"):
            read_bundle(patched(content, (local + 6, 0x20), (central + 8, 0x20)))

    def test_stored_bytes_that_claim_to_be_deflated(self, content):
        local, central = headers(content, "edgekit.json")
        with pytest.raises(ContractError, match="no readable archive"):
            read_bundle(patched(content, (local + 8, 8), (central + 10, 8)))

    def test_a_bomb_that_claims_to_be_small(self, make):
        bomb = make(contract=bytes(MAX_MEMBER_BYTES + 1), compression=zipfile.ZIP_DEFLATED)
        _, central = headers(bomb, "edgekit.json")
        with pytest.raises(ContractError, match="no readable archive"):
            read_bundle(patched(bomb, (central + 24, 100), (central + 26, 0)))

    @pytest.mark.parametrize("offset", [pytest.param(2**63, id="beyond-63-bits"), pytest.param(2**40, id="beyond-end")])
    def test_a_64_bit_offset_to_nowhere(self, content, offset):
        _, central = headers(content, "edgekit.json")
        name_end = central + 46 + len("edgekit.json")
        extra = struct.pack("<HHQ", 1, 8, offset)
        changed = bytearray(content[:name_end] + extra + content[name_end:])
        struct.pack_into("<H", changed, central + 30, len(extra))
        struct.pack_into("<I", changed, central + 42, 0xFFFFFFFF)
        end = changed.rindex(b"PK\x05\x06")
        (directory_size,) = struct.unpack_from("<I", changed, end + 12)
        struct.pack_into("<I", changed, end + 12, directory_size + len(extra))
        with pytest.raises(ContractError, match="no readable archive"):
            read_bundle(bytes(changed))


CHANGES = {
    "first-byte": lambda whole, model: bytes([whole[0] ^ 1]) + whole[1:],
    "one-bit-in-the-weights": lambda whole, model: (
        whole[: model // 2] + bytes([whole[model // 2] ^ 1]) + whole[model // 2 + 1 :]
    ),
    "last-byte": lambda whole, model: whole[: model - 1] + bytes([whole[model - 1] ^ 0x80]) + whole[model:],
    "byte-put-in": lambda whole, model: whole[:model] + b"\0" + whole[model:],
    "byte-taken-out": lambda whole, model: whole[: model - 1] + whole[model:],
    "all-zero": lambda whole, model: whole[:8] + bytes(model - 8) + whole[model:],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_flatbuffer_is_refused(content, red_blue, change):
    with pytest.raises(ContractError, match="was changed after it was made: SHA-256 must be"):
        read_bundle(change(content, len(red_blue.flatbuffer)))


def test_every_single_byte_of_the_flatbuffer_counts(content, red_blue):
    for position in range(len(red_blue.flatbuffer)):
        changed = bytearray(content)
        changed[position] ^= 0xFF
        with pytest.raises(ContractError):
            read_bundle(bytes(changed))


def test_another_models_flatbuffer_is_refused(content, red_blue, three_colours_file):
    other = read_bundle(three_colours_file).flatbuffer
    with pytest.raises(ContractError, match="was changed after it was made"):
        read_bundle(other + content[len(red_blue.flatbuffer) :])


def test_a_changed_model_never_reaches_an_interpreter(tmp_path, content, red_blue):
    for name, change in CHANGES.items():
        (tmp_path / f"{name}.tflite").write_bytes(change(content, len(red_blue.flatbuffer)))
    script = """
import sys
from pathlib import Path
from edgekit.errors import ContractError
from edgekit.runtime import Classifier
for file in sorted(Path(sys.argv[1]).iterdir()):
    try:
        Classifier.load(file)
    except ContractError:
        print(file.stem)
loaded = [name for name in sys.modules if name.startswith(("ai_edge_litert", "tflite_runtime"))]
assert not loaded, loaded
"""
    ran = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == sorted(CHANGES)


def test_a_file_cut_anywhere_is_refused(content):
    for length in range(0, len(content), 7):
        with pytest.raises(ContractError):
            read_bundle(content[:length])


def test_flipped_bits_are_refused_or_change_nothing(content, red_blue):
    rng = np.random.default_rng(20)
    archive = len(red_blue.flatbuffer)
    refused = 0
    for trial in range(600):
        changed = bytearray(content)
        # Every other trial in the archive, the smaller part with the odder errors.
        positions = rng.integers(archive * (trial % 2), len(content), size=1 + trial % 3)
        for position in positions:
            changed[position] ^= 1 << rng.integers(8)
        try:
            bundle = read_bundle(bytes(changed))
        except ContractError:
            refused += 1
        else:
            assert bundle == red_blue
    # What may change is what no reader looks at: clocks, permissions, versions.
    assert refused > 450


@pytest.fixture
def beside(marks, tmp_path):
    """The model whose detector lies beside it."""
    contract = marks.contract.with_regions(replace(marks.contract.regions, place="beside"))
    out = tmp_path / "beside" / "marks.tflite"
    write_bundle(replace(marks, contract=contract), out)
    return out


class TestDetectors:
    """A model of regions has its detector inside, or beside it."""

    def members(self, bundle, *, detector):
        file = io.BytesIO(bundle.flatbuffer)
        with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
            archive.writestr("edgekit.json", bundle.contract.to_json())
            archive.writestr("labels.txt", LABELS)
            if detector:
                archive.writestr("detector.tflite", detector)
        return file.getvalue()

    def test_inside(self, marks, marks_file):
        assert read_bundle(marks_file.read_bytes()) == marks
        assert hashlib.sha256(marks.detector).hexdigest() == marks.contract.regions.detector_sha256

    def test_beside(self, marks, beside):
        found = read_bundle(beside)
        assert found.detector == marks.detector
        assert [one.name for one in sorted(beside.parent.iterdir())] == [
            f"detector-{marks.contract.regions.detector_sha256[:12]}.tflite", "marks.tflite",
        ]  # fmt: skip

    def test_absent_inside(self, marks):
        with pytest.raises(ContractError, match=r"must have its face detector inside, as detector.tflite; copy it"):
            read_bundle(self.members(marks, detector=b""))

    def test_absent_beside(self, beside, tmp_path):
        alone = tmp_path / "marks.tflite"
        alone.write_bytes(beside.read_bytes())
        with pytest.raises(ContractError, match=r"detector-.{12}\.tflite: no such file; copy it from where the model"):
            read_bundle(alone)
        with pytest.raises(ContractError, match="its face detector lies beside it, as detector-"):
            read_bundle(alone.read_bytes())

    def test_another(self, marks):
        with pytest.raises(ContractError, match=r"the detector must have the SHA-256 .* copy it again"):
            read_bundle(self.members(marks, detector=marks.detector + b"\0"))

    def test_one_that_is_none(self, marks):
        digest = hashlib.sha256(marks.flatbuffer).hexdigest()
        regions = replace(marks.contract.regions, detector_sha256=digest)
        forged = replace(marks, contract=marks.contract.with_regions(regions))
        with pytest.raises(ContractError, match="a detector must be one of MediaPipe's for faces"):
            read_bundle(self.members(forged, detector=marks.flatbuffer))

    def test_one_that_nobody_promised(self, make, marks, red_blue):
        with pytest.raises(ContractError, match=r"its contract promises no detector.tflite inside, the archive"):
            read_bundle(make(extra=[("detector.tflite", marks.detector)]))
