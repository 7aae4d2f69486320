"""What a conversion leaves beside its file. No TensorFlow here, so that reports can read it."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.config import ConvertConfig, Stage
from edgekit.contract import Contract
from edgekit.gate import Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertRecord:
    """What a conversion leaves beside its file."""

    config: ConvertConfig
    stage: Stage
    model: str
    model_bytes: int
    contract: Contract
    gate: Gate
    versions: dict[str, str]
