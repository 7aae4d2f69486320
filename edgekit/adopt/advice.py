"""Whether a model file can be adopted, and by what command, as far as the file alone tells."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from edgekit.adopt.edges import facts_of, quantised_edge, takes_bytes
from edgekit.adopt.interface import NormalisationMissing, check_adoptable, understand_input
from edgekit.adopt.options import AdoptConfig, conventions
from edgekit.errors import ContractError
from edgekit.modelfile.editing import GraphEditor
from edgekit.modelfile.foreign import ForeignModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Whether a file can be adopted.

    Attributes:
        adoptable: As far as the file tells; its numbers on pictures may still speak against it.
        verdict: That in words, with the cause where it can't be.
        command: The command line; empty where there is none.
        hint: What may stand for a word in capitals; empty where there is none.
    """

    adoptable: bool
    verdict: str
    command: str
    hint: str = ""


def advise(content: bytes, model: ForeignModel, path: str) -> Advice:
    """Tell whether a file can be adopted.

    Args:
        content: The file.
        model: What it says of itself.
        path: Its name in the command line.
    """
    config, options, hint = AdoptConfig(), [], ""
    try:
        check_adoptable(model)
        editor = GraphEditor(content)
        edge = quantised_edge(editor)
        if _side_is_open(model):
            config = AdoptConfig(side_px=224)
            options.append("--side SIDE")
        seen = None if edge is None else facts_of(editor, edge[0])
        facts = understand_input(model, config, seen, own=takes_bytes(editor))
        verdict = f"yes; {facts.source}"
    except NormalisationMissing as missing:
        options.append("--mean MEAN --std STD")
        hint = conventions()
        verdict = f"yes, but {missing.cause}"
    except ContractError as cause:
        return Advice(adoptable=False, verdict=f"no: {cause}", command="")
    if not model.labels:
        options.append("--labels labels.txt")
    command = " ".join(["edgekit adopt", shlex.quote(path), *options, "--out adopted.tflite"])
    return Advice(adoptable=True, verdict=verdict, command=command, hint=hint)


def _side_is_open(model: ForeignModel) -> bool:
    shape = model.inputs[0].shape
    return len(shape) == 4 and shape.count(-1) - (shape[0] == -1) == 2
