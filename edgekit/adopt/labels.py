"""Labels of a model that others made: one per output, from a file or from the model's own metadata."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from edgekit.contract import RETAKE, UNKNOWN
from edgekit.errors import ContractError
from edgekit.records import read_bounded

MAX_LABEL_BYTES = 4 * 1024 * 1024
_NUMBERED = re.compile(r"(\d{1,5})(?:\s*[:;,\t]\s*|\s+)(\S.*)")
_BACKGROUND = ("background", "???", "__background__", "dummy")


def read_labels(path: Path) -> tuple[str, ...]:
    """Labels of a text file, one a line; lines that are numbered from 0, as Teachable Machine's, lose their numbers.

    Raises:
        ContractError: absent, too large, no text, or an empty line among the labels.
    """
    content = read_bounded(path, MAX_LABEL_BYTES, "a file of labels", ContractError)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        raise ContractError(f"{path}: labels must be UTF-8: {failure}; save the file so") from failure
    return parse_labels(text, where=str(path))


def parse_labels(text: str, *, where: str) -> tuple[str, ...]:
    """Labels from the text of such a file.

    Raises:
        ContractError: an empty line among the labels, or a line with what can't be printed.
    """
    lines = [" ".join(line.split()) for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, start=1):
        if not line or not line.isprintable():
            raise ContractError(
                f"{where}: line {number} must hold a label, one a line, got {line!r:.80}; mend the file"
            )
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    if all(numbered):
        by_number = {int(match[1]): match[2] for match in numbered if match}
        if sorted(by_number) == list(range(len(lines))):
            return tuple(by_number[number] for number in range(len(lines)))
    return tuple(lines)


def fit_labels(labels: tuple[str, ...], outputs: int, *, where: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Hold that there is a label for each output, and make labels differ where two are alike.

    Args:
        labels: As read.
        outputs: How many numbers come out of the model; 1 stands for the probability of the second of two labels.
        where: Names the source of the labels in messages.

    Returns:
        Labels that a contract takes, and what was done to them, in words.

    Raises:
        ContractError: their number does not fit.
    """
    wanted = max(outputs, 2)
    if len(labels) != wanted:
        raise ContractError(f"{where}: {_counts(labels, outputs)}")
    counts = Counter(labels)
    made, changed = [], []
    for index, label in enumerate(labels):
        if counts[label] > 1 or label in (RETAKE, UNKNOWN):
            made.append(f"{label} ({index})")
            changed.append(made[-1])
        else:
            made.append(label)
    notes = []
    if changed:
        notes.append(f"labels that stand twice or mean something else here got their number: {', '.join(changed[:4])}")
    if labels[0].lower() in _BACKGROUND:
        notes.append(f"the first label, {labels[0]!r}, is a class like the others")
    return tuple(made), tuple(notes)


def _counts(labels: tuple[str, ...], outputs: int) -> str:
    wanted = f"the model has {outputs} outputs, got {len(labels)} labels"
    if outputs == 1:
        return f"a model with one output needs two labels, that of 0 and that of 1, got {len(labels)}"
    if len(labels) == outputs - 1:
        return (
            f"{wanted}; such models often have a first class for the background: put a line 'background' before the "
            "others if this is one"
        )
    if len(labels) == outputs + 1 and labels[0].lower() in _BACKGROUND:
        return f"{wanted}; this model seems to have no class {labels[0]!r}: remove the first line"
    return f"{wanted}; name the file that belongs to the model"
