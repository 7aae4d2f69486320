"""The thresholds of a model of several labels a photo, its gate, and what its contract tells of both."""

from __future__ import annotations

from dataclasses import replace

from edgekit.convert.gate import Compared, compare_labels
from edgekit.convert.rejected import JudgedModel
from edgekit.evaluate.accuracy import ScoredPhotos
from edgekit.evaluate.several import judged_labels
from edgekit.records import sha256
from edgekit.runtime.bundle import Bundle
from edgekit.scoring.operating_point import fit_thresholds
from edgekit.scoring.out_of_fold import beside_content


def judge_labels(model: Bundle, compared: Compared, *, max_drop: float) -> JudgedModel:
    """The converted model with its thresholds, and the gate, on photos that did not train what judges them.

    Args:
        model: The converted model.
        compared: What it and the float network say of these photos; each gets thresholds of its own.
        max_drop: The largest drop that passes, in percentage points of mean average precision.
    """
    names = [sample.group for sample in compared.samples]
    groups = names if all(names) else None
    contract, before = (fit_thresholds(scores, model.contract) for scores in (compared.scores, compared.before))
    gate = compare_labels(
        (compared.before.of(compared.rows), before),
        (compared.scores.of(compared.rows), contract),
        max_drop=max_drop,
        groups=[groups[row] for row in compared.rows] if groups is not None else None,
    )
    gate = replace(gate, out_of_fold=compared.keeps_folds)
    photos = ScoredPhotos.of(compared.scores, compared.samples, contract, crops=contract.plan.crops, stops_early=False)
    found = judged_labels(photos)
    folds = beside_content(compared.scores) if compared.keeps_folds else None
    precision = found.mean_average_precision
    measured = {
        "validation_photos": len(compared.samples),
        "validation_mean_average_precision": precision.value,
        "validation_interval": [precision.low, precision.high],
        "validation_macro_f1": found.macro_f1.value,
        "validation_exact_match": found.exact_match.value,
        "float_mean_average_precision": gate.float_balanced_accuracy,
        "agreement_with_float": gate.agreement,
        "drop_points": gate.drop_points,
        "least_drop_points": gate.least_drop_points,
        **({"folds_sha256": sha256(folds)} if folds is not None else {}),
    }
    told = replace(contract, provenance={**contract.provenance, **measured})
    return JudgedModel(replace(model, contract=told), gate, folds)
