"""What a backbone costs, as it was counted once and recorded: known without TensorFlow. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgekit.bounds import Counted
from edgekit.records import from_plain, read_json

COSTS_FILE = Path(__file__).with_name("costs.json")
PartName = Literal["texture", "content"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCost:
    """What a network of two classes costs that ends with some of a backbone's layers.

    Attributes:
        macs: Multiplications and additions of convolutions and dense layers, for one crop of the backbone's own side.
        parameters: Numbers that training can change.
        int8_bytes: About the size of its int8 file, without metadata.
    """

    macs: Counted
    parameters: Counted
    int8_bytes: Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneCost:
    """What a backbone costs at its own side and width 1.

    Attributes:
        name: Of the registry.
        parameters: With the classifier of 1,000 classes that papers count.
        parts: By the choice of layers that are pooled; texture only where there is a choice.
    """

    name: str
    parameters: Counted
    parts: dict[PartName, PartCost]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneCosts:
    """The costs of all backbones.

    Attributes:
        edgekit: The release that counted.
    """

    edgekit: str
    backbones: tuple[BackboneCost, ...]


def recorded_costs() -> dict[str, BackboneCost]:
    """The recorded costs by the names of backbones."""
    record = from_plain(BackboneCosts, read_json(COSTS_FILE), where=COSTS_FILE.name)
    return {one.name: one for one in record.backbones}
