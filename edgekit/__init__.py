"""Put a photo classifier on a phone and prove what it costs there.

The package is laid out as its pipeline: ``data`` (stage 1), ``train``, ``quantize``, ``convert`` (2 to 4), ``evaluate``
and ``bench`` (5). ``edgekit.runtime`` is the part that runs on devices; it needs numpy, Pillow and one TFLite
interpreter. The functions that commands call can be imported from here; docs/api.md lists them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgekit.audit.run import audit_dataset as audit_dataset
    from edgekit.augment.crop_set import cut_crops as cut_crops
    from edgekit.augment.variant_set import augment_photos as augment_photos
    from edgekit.bench.benchmark import benchmark as benchmark
    from edgekit.convert.to_file import convert_run as convert_run
    from edgekit.crossval.folds import cross_validate as cross_validate
    from edgekit.data.dataset import load_dataset as load_dataset
    from edgekit.data.folder import read_folder as read_folder
    from edgekit.data.split_folder import split_data as split_data
    from edgekit.data.splits import split_dataset as split_dataset
    from edgekit.devices.doctor import check_up as check_up
    from edgekit.devices.parse import open_devices as open_devices
    from edgekit.devices.survey import survey as survey
    from edgekit.evaluate.accuracy import evaluate_model as evaluate_model
    from edgekit.evaluate.retune import tune as tune
    from edgekit.evaluate.threshold import set_target as set_target
    from edgekit.evaluate.tta import compare_crops as compare_crops
    from edgekit.explain.occlusion import occlusion as occlusion
    from edgekit.explain.photos import explain_photos as explain_photos
    from edgekit.explain.probes import probe_photos as probe_photos
    from edgekit.gather.collect import collect_photos as collect_photos
    from edgekit.gather.coverage import cover as cover
    from edgekit.gather.importing import import_photos as import_photos
    from edgekit.quantize.qat import qat as qat
    from edgekit.report.write import write_report as write_report
    from edgekit.runtime.payload import write_payload as write_payload
    from edgekit.simulate.demo_set import simulate_photos as simulate_photos
    from edgekit.simulate.recapture_set import make_recaptures as make_recaptures
    from edgekit.sweep.compare import compare_runs as compare_runs
    from edgekit.sweep.run import run_sweep as run_sweep
    from edgekit.train.finetune import finetune as finetune

__version__ = "0.1.0"

# In the order of the pipeline. Each is imported when it is asked for, since most need packages of an extra. Type
# checkers go by the imports above, whose names count as exported because they are given again.
_HOMES = {
    "import_photos": "gather.importing",
    "collect_photos": "gather.collect",
    "cover": "gather.coverage",
    "read_folder": "data.folder",
    "load_dataset": "data.dataset",
    "split_dataset": "data.splits",
    "split_data": "data.split_folder",
    "audit_dataset": "audit.run",
    "augment_photos": "augment.variant_set",
    "cut_crops": "augment.crop_set",
    "make_recaptures": "simulate.recapture_set",
    "simulate_photos": "simulate.demo_set",
    "finetune": "train.finetune",
    "qat": "quantize.qat",
    "convert_run": "convert.to_file",
    "evaluate_model": "evaluate.accuracy",
    "compare_crops": "evaluate.tta",
    "tune": "evaluate.retune",
    "set_target": "evaluate.threshold",
    "explain_photos": "explain.photos",
    "occlusion": "explain.occlusion",
    "probe_photos": "explain.probes",
    "benchmark": "bench.benchmark",
    "cross_validate": "crossval.folds",
    "run_sweep": "sweep.run",
    "compare_runs": "sweep.compare",
    "write_report": "report.write",
    "open_devices": "devices.parse",
    "survey": "devices.survey",
    "check_up": "devices.doctor",
    "write_payload": "runtime.payload",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from edgekit.errors import explain_missing

        with explain_missing():
            return getattr(importlib.import_module(f"edgekit.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
