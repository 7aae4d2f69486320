"""The one place that loads TensorFlow and Keras 2, which tensorflow-model-optimization needs."""

from __future__ import annotations

import os
from typing import Any

# Both must be set before TensorFlow loads; what the user has set stays.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from edgekit.terminal import captured_stderr

with captured_stderr():
    # TensorFlow looks for drivers on import and at the first look for devices, and tells at length what it lacks.
    import tensorflow
    import tensorflow_model_optimization
    import tf_keras
    from tf_keras.src.saving.legacy import hdf5_format

    tensorflow.config.list_physical_devices()
# It warns of graphs that are traced again, which is what stages do that make one network after another.
tensorflow.get_logger().setLevel("ERROR")

# TensorFlow ships no types that mypy could check.
tf: Any = tensorflow
tfmot: Any = tensorflow_model_optimization
keras: Any = tf_keras
# Keras' own way to HDF5, which its public function only offers for paths.
save_weights_to_hdf5_group: Any = hdf5_format.save_weights_to_hdf5_group
