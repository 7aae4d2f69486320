"""One quantization by litert-quantizer in its own environment, without TensorFlow: static int8.

Writes OUT, and prints a JSON object: the ``cpu_s`` of calibrating and quantising, imports and files left out.

    python litert_static.py FLOAT.tflite CROPS.npy min-max|octav extremes|average OUT.tflite
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
from litert_quantizer import calibrator, quantizer, recipe, recipe_manager
from litert_quantizer.qtyping import TFLOperationName
from litert_quantizer.utils import qsv_utils

# Operators whose weights OCTAV clips; it does not know constants of others.
_WITH_WEIGHTS = (TFLOperationName.CONV_2D, TFLOperationName.DEPTHWISE_CONV_2D, TFLOperationName.FULLY_CONNECTED)


def main() -> None:
    """Calibrate on all crops, quantise, write."""
    source, crops, name, how, out = sys.argv[1:]
    model, pixels = Path(source).read_bytes(), np.load(crops)
    # A moving average hears every crop, so two pixels of each pin the input's range to all 256 values.
    pixels[:, 0, 0], pixels[:, 0, 1] = 0, 255
    began = time.process_time()
    work = quantizer.Quantizer(model, recipe.static_wi8_ai8())
    # Logits come out as float32, as the converter's do.
    work.update_quantization_recipe(".*", TFLOperationName.OUTPUT, algorithm_key=quantizer.AlgorithmName.NO_QUANTIZE)
    if name == "octav":
        for operator in _WITH_WEIGHTS:
            work.add_static_config(".*", operator, 8, 8, algorithm_key=quantizer.AlgorithmName.OCTAV)
    samples = {"serving_default": [{"pixels": crop[np.newaxis]} for crop in pixels]}
    if how == "average":
        ranges = work.calibrate(samples, num_threads=1)
    else:
        # The quantizer itself knows moving averages of the crops' smallest and largest values alone.
        looking = calibrator.Calibrator(model, num_threads=1, qsv_update_func=qsv_utils.min_max_update)
        recipes = recipe_manager.RecipeManager()
        recipes.load_quantization_recipe(work.get_quantization_recipe())
        looking.calibrate(samples, recipes)
        ranges = looking.get_model_qsvs()
    quantised = work.quantize(ranges, enable_progress_bar=False, enable_progress_report=False).quantized_model
    spent = time.process_time() - began
    assert quantised is not None
    Path(out).write_bytes(quantised)
    print(json.dumps({"cpu_s": spent}))


if __name__ == "__main__":
    main()
