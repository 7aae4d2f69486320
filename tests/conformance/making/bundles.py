"""Model files as they come: whole, damaged, forged, or of another kind; as edits of the tests' models."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from typing import Any

from ai_edge_litert import schema_py_generated as schema
from forging import edited

from edgekit.contract import CONTRACT_NAME, LABELS_NAME
from edgekit.errors import ContractError
from edgekit.records import sha256
from edgekit.runtime import Bundle, read_bundle
from edgekit.runtime.verify.structure import IDENTIFIER
from making.contracts import read_values
from making.tools import HERE, Vector, Writer

ROOT = HERE.parents[1]
MODEL = "tests/models/red_blue.tflite"
WITH_HEADS = "tests/models/heads.tflite"
# With a longer edit it is a file of its own.
MOST_EDIT_LETTERS = 4096
Members = list[tuple[str, bytes]]
# Name, content, and why.
File = tuple[str, bytes, str]

WHOLE = (ROOT / MODEL).read_bytes()
SOUND = read_bundle(ROOT / MODEL)
FLAT = SOUND.flatbuffer
HEADS = read_bundle(ROOT / WITH_HEADS)
LABELS = "\n".join(SOUND.contract.labels).encode() + b"\n"
_CENTRAL, _LOCAL, _END = b"PK\1\2", b"PK\3\4", b"PK\5\6"


def contract_text(flatbuffer: bytes = FLAT, **changes: Any) -> bytes:
    values = {**SOUND.contract.to_plain(), "model_sha256": sha256(flatbuffer), **changes}
    return json.dumps(values, indent=2).encode() + b"\n"


def members(contract: bytes | None = None, labels: bytes = LABELS) -> Members:
    return [(LABELS_NAME, labels), (CONTRACT_NAME, contract_text() if contract is None else contract)]


def archived(
    parts: Members,
    flatbuffer: bytes = FLAT,
    *,
    compression: int = zipfile.ZIP_STORED,
    comment: bytes = b"",
    is_relative: bool = False,
) -> bytes:
    """A flatbuffer and an archive behind it, whose offsets count from the file's start or from its own."""
    file = io.BytesIO()
    file.seek(0 if is_relative else len(flatbuffer))
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", compression) as archive:
        # Two members of one name.
        warnings.simplefilter("ignore")
        for name, content in parts:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = compression
            archive.writestr(entry, content)
        archive.comment = comment
    return flatbuffer + file.getvalue()[0 if is_relative else len(flatbuffer) :]


def put(content: bytes, mark: bytes, number: int, at: int, value: bytes) -> bytes:
    """Bytes in place of those ``at`` bytes behind the mark that comes as that number; -1 is the last."""
    start = content.rindex(mark) if number < 0 else -1
    for _ in range(number + 1):
        start = content.index(mark, start + 1)
    return content[: start + at] + value + content[start + at + len(value) :]


def short(value: int) -> bytes:
    return struct.pack("<H", value)


def long(value: int) -> bytes:
    return struct.pack("<I", value)


def read() -> list[File]:
    """Files that are read."""
    windows = LABELS.replace(b"\n", b"\r\n")
    return [
        ("whole", WHOLE, "catches a file that is whole and refused"),
        ("deflated", archived(members(), compression=zipfile.ZIP_DEFLATED), "catches members that must be stored"),
        (
            "comment",
            archived(members(), comment=b"packed again"),
            "catches an archive's comment, behind which its list ends",
        ),
        (
            "offsets-of-its-own",
            archived(members(), is_relative=True),
            "catches an archive that was appended as it was: its offsets count from its own start",
        ),
        ("another-member", archived([("notes.txt", b"hello"), *members()]), "catches members that nobody asked for"),
        ("contract-first", archived(members()[::-1]), "catches members in another order"),
        ("labels-of-windows", archived(members(labels=windows)), "catches labels.txt with line ends of Windows"),
        ("labels-without-end", archived(members(labels=LABELS[:-1])), "catches labels.txt without a last line end"),
    ]


def damaged() -> list[File]:
    """Files that changed on their way, or are something else."""
    start = len(FLAT)
    weight = bytearray(WHOLE)
    weight[start - 200] ^= 1
    return [
        ("changed-byte", bytes(weight), "catches a changed byte of the model: its hash must be compared"),
        (
            "changed-contract",
            put(WHOLE, b"red or blue", -1, 7, b"g"),
            "catches a changed byte of the contract: its checksum",
        ),
        (
            "changed-labels",
            put(WHOLE, b"recapture\n", 0, 0, b"s"),
            "catches a changed byte of the labels: their checksum",
        ),
        ("no-archive", FLAT, "catches a model without a contract"),
        ("cut-in-archive", WHOLE[:-300], "catches a file that was cut short in its archive"),
        ("cut-by-a-byte", WHOLE[:-1], "catches a file that was cut short by one byte"),
        ("half", WHOLE[: len(WHOLE) // 2], "catches a file that was cut short"),
        ("empty", b"", "catches nothing at all"),
        ("archive-alone", WHOLE[start:], "catches an archive without a model in front"),
        ("other-identifier", put(WHOLE, IDENTIFIER, 0, 0, b"TFL2"), "catches another format than TFLite's third"),
        ("no-flatbuffer", archived(members(contract_text(b"")), b""), "catches an archive at the very start"),
    ]


def archives() -> list[File]:
    """Archives that readers take in different ways, or that cost too much."""
    zeros, lies = zipfile.ZIP_DEFLATED, long(9 * 1024 * 1024)
    bomb = archived([(LABELS_NAME, LABELS), (CONTRACT_NAME, bytes(9 * 1024 * 1024))], compression=zeros)
    two = [*members(contract_text(name="first")), (CONTRACT_NAME, contract_text(name="second"))]
    header = put(WHOLE, _CENTRAL, 0, 42, long(WHOLE.index(_LOCAL, len(FLAT) + 4)))
    many = [(f"{n}", b"") for n in range(31)]
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2, 2, 1 << 40, len(FLAT))
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(WHOLE) - 22, 1)
    return [
        ("two-contracts", archived(two), "catches two members of one name, of which readers take either"),
        ("two-labels", archived([(LABELS_NAME, LABELS), *members()]), "catches two members of one name"),
        ("overlapping", header, "catches two entries of the list that lead to one place"),
        (
            "other-name-inside",
            put(WHOLE, _LOCAL, 0, 30, b"Labels.txt"),
            "catches a member whose own header calls it otherwise",
        ),
        ("33-members", archived([*many, *members()]), "catches archives of more than 32 members"),
        ("bomb", bomb, "catches a member that says it has more than 8 MiB, before it is inflated"),
        (
            "bomb-that-lies",
            put(bomb, _CENTRAL, 1, 24, long(646)),
            "catches a member that inflates to more than it says",
        ),
        (
            "size-beyond",
            put(WHOLE, _CENTRAL, 1, 20, lies + lies),
            "catches sizes beyond the file, which nobody sets aside",
        ),
        ("offset-beyond", put(WHOLE, _CENTRAL, 1, 42, long(0x7FFFFFFF)), "catches a member out of the file"),
        (
            "offset-negative",
            put(WHOLE, _CENTRAL, 0, 42, long(0xFFFFFFF0)),
            "catches an offset that is read as negative",
        ),
        ("list-beyond", put(WHOLE, _END, -1, 16, long(0x7FFFFFFF)), "catches a list out of the file"),
        ("list-of-gigabytes", put(WHOLE, _END, -1, 12, long(0x7FFFFFFF)), "catches a list longer than the file"),
        (
            "list-of-terabytes",
            WHOLE[:-22] + end64 + locator + WHOLE[-22:],
            "catches the longer list of large archives, unchecked",
        ),
        (
            "list-without-entries",
            put(WHOLE, _END, -1, 8, short(0) * 2 + long(0)),
            "catches a list that says it is empty",
        ),
        ("encrypted", put(WHOLE, _CENTRAL, 1, 8, short(1)), "catches members that are encrypted"),
        ("bzip2", archived(members(), compression=zipfile.ZIP_BZIP2), "catches other compressions than deflate"),
        ("no-contract", archived(members()[:1]), "catches an archive without a contract"),
        (
            "contract-in-folder",
            archived([members()[0], (f"x/{CONTRACT_NAME}", contract_text())]),
            "catches a contract somewhere else",
        ),
        (
            "contract-in-other-case",
            archived([members()[0], ("EDGEKIT.JSON", contract_text())]),
            "catches names in another case",
        ),
        ("no-labels", archived(members()[1:]), "catches an archive without labels.txt"),
        (
            "labels-swapped",
            archived(members(labels=b"recapture\ngenuine\n")),
            "catches labels in another order than the contract's",
        ),
        ("labels-one-more", archived(members(labels=LABELS + b"print\n")), "catches a label too many"),
        (
            "labels-blank-line",
            archived(members(labels=LABELS + b"\n")),
            "catches an empty line at the end, which is a label",
        ),
        (
            "labels-no-utf-8",
            archived(members(labels=LABELS.replace(b"ge", b"\xff"))),
            "catches labels that are no UTF-8",
        ),
    ]


def others() -> list[File]:
    """Contracts and models that do not belong together, each whole and with the right hash."""
    kinds, files = schema.TensorType, []

    def model(name: str, why: str, edit: Any, **changes: Any) -> None:
        flatbuffer = edited(FLAT, edit) if edit else FLAT
        files.append((name, archived(members(contract_text(flatbuffer, **changes)), flatbuffer), why))

    def typed(index: int, kind: int) -> Any:
        return lambda whole, graph: setattr(graph.tensors[index], "type", kind)

    def outputs(*indices: int) -> Any:
        return lambda whole, graph: setattr(graph, "outputs", list(indices))

    def open_batch(whole: Any, graph: Any) -> None:
        graph.tensors[0].shapeSignature = [-1, 8, 8, 3]

    def second_input(whole: Any, graph: Any) -> None:
        graph.tensors.append(schema.TensorT(shape=[1, 2], type=kinds.FLOAT32, buffer=0, name=b"more"))
        graph.inputs = [0, len(graph.tensors) - 1]

    model(
        "heads-of-one-output",
        "catches heads that the model does not have",
        None,
        schema=2,
        heads=["centre", "1/4", "native"],
    )
    model("unknown-key", "catches keys that nobody knows", None, zoom=2)
    model("other-hash", "catches a contract of another model", None, model_sha256="0" * 64)
    model("other-side", "catches an input of another size than the contract promises", None, side_px=16)
    three = contract_text(labels=["genuine", "print", "screen"])
    files.append(
        ("one-label-more", archived(members(three, b"genuine\nprint\nscreen\n")), "catches more labels than outputs")
    )
    files.append(
        ("contract-with-mark", archived(members(b"\xef\xbb\xbf" + contract_text())), "catches a byte order mark")
    )
    files.append(
        (
            "contract-no-utf-8",
            archived(members(contract_text(name="?").replace(b"?", b"\xff"))),
            "catches other text than UTF-8",
        )
    )
    files.append(
        (
            "contract-half-character",
            archived(members(contract_text(name="?").replace(b"?", b"\xed\xa0\x80"))),
            "catches surrogates in UTF-8",
        )
    )
    files.append(
        (
            "contract-utf-16",
            archived(members(contract_text().decode().encode("utf-16"))),
            "catches other text than UTF-8",
        )
    )
    model(
        "int8-input",
        "catches a model with int8 input, which would take pixels for something else",
        typed(0, kinds.INT8),
    )
    model(
        "logits-out",
        "catches a model whose output has other dimensions",
        lambda whole, graph: setattr(graph.tensors[6], "shape", [2]),
    )
    model("two-outputs", "catches a model with two outputs, of which one would be taken", outputs(6, 5))
    model("no-outputs", "catches a model without outputs", outputs())
    model("two-inputs", "catches a model with two inputs, of which one would stay empty", second_input)
    model("open-batch", "catches an input that is not static", open_batch)
    model("two-subgraphs", "catches a model of two graphs", lambda whole, graph: whole.subgraphs.append(graph))
    return files


def with_heads() -> list[File]:
    """Models whose second output is not that of the contract's heads, or has nobody who asked for it."""
    kinds, files = schema.TensorType, []
    told = HEADS.contract.to_plain()

    def model(name: str, why: str, edit: Any = None, **changes: Any) -> None:
        flatbuffer = edited(HEADS.flatbuffer, edit) if edit else HEADS.flatbuffer
        text = {**told, "model_sha256": sha256(flatbuffer), **changes}
        text = {key: value for key, value in text.items() if value is not None}
        files.append((name, archived(members(json.dumps(text).encode()), flatbuffer), why))

    def second(**changes: Any) -> Any:
        def edit(whole: Any, graph: Any) -> None:
            for key, value in changes.items():
                setattr(graph.tensors[graph.outputs[1]], key, value)

        return edit

    def outputs(*names: bytes) -> Any:
        def edit(whole: Any, graph: Any) -> None:
            of = {tensor.name: index for index, tensor in enumerate(graph.tensors)}
            graph.outputs = [of[name] for name in names]

        return edit

    first, others = b"probabilities", b"probabilities_"
    model("newer-schema", "catches a newer schema, whose rules nobody here knows", schema=4)
    model("heads-first-alone", "catches a second output that is not there", outputs(first))
    model("heads-second-alone", "catches the other heads taken for the first", outputs(others))
    model("heads-swapped", "catches outputs in another order", outputs(others, first))
    model("heads-third-output", "catches an output that no head is", outputs(first, others, b"logits_of_heads"))
    model(
        "heads-in-one-row", "catches heads that are not parted: [1, 4] for [1, 2, 2]", outputs(first, b"logits_others")
    )
    model("heads-of-three-dimensions", "catches a shape with too few heads", second(shape=[1, 1, 4]))
    model("heads-int8", "catches a second output that is not float32", second(type=kinds.INT8))
    model("heads-open", "catches a second output that is not static", second(shapeSignature=[1, -1, 2]))
    model("heads-one-more", "catches more heads in the contract than in the model", heads=[*told["heads"], "1/2"])
    model(
        "heads-one-less",
        "catches fewer heads in the contract than in the model",
        heads=told["heads"][:2],
        plan={**told["plan"], "cycle": ["1/4"]},
    )
    model("heads-not-told", "catches a model with heads whose contract has none", heads=None, schema=1)
    return files


def between(base: bytes, content: bytes) -> list[Any]:
    """One edit that makes the content of the base: from, to, and what stands there instead, in hex."""
    if content == base:
        return []
    most = min(len(base), len(content))
    start = next((n for n in range(most) if base[n] != content[n]), most)
    same = next((n for n in range(most - start) if base[-1 - n] != content[-1 - n]), most - start)
    return [[start, len(base) - same, content[start : len(content) - same].hex()]]


def bundles(to: Writer) -> None:
    vectors: list[Vector] = []
    whole_heads = (ROOT / WITH_HEADS).read_bytes()
    bases = {MODEL: WHOLE, WITH_HEADS: whole_heads}
    sound = [*read(), ("heads", whole_heads, "catches a model with two outputs refused, whose contract has heads")]
    for accepted, files in ((True, sound), (False, [*damaged(), *archives(), *others(), *with_heads()])):
        for name, content, why in files:
            found = _read(content)
            assert (found is not None) is accepted, f"bundles/{name}: accepted must be {accepted}"
            edits = {model: between(base, content) for model, base in bases.items()}
            model = min(edits, key=lambda model: len(str(edits[model])))
            if len(str(edits[model])) > MOST_EDIT_LETTERS:
                model = to.file(f"bundle-{name}.tflite", content)
                bases[model], edits[model] = content, []
            tolerance = {"answers": 0}
            vector = {"name": name, "why": why, "tolerance": tolerance, "model": model, "edits": edits[model]}
            vectors.append({**vector, "bundle": found})
    to.manifest("bundles", "Model files, some of them edited: what is read of them, and which are refused.", vectors)


def _read(content: bytes) -> Vector | None:
    try:
        return values(read_bundle(content))
    except ContractError:
        return None


def values(bundle: Bundle) -> Vector:
    """What a port must have found in a file."""
    return {
        "file_sha256": bundle.file_sha256,
        "flatbuffer_bytes": len(bundle.flatbuffer),
        "contract": read_values(bundle.contract),
    }
