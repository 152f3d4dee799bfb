"""The one place that decides which Keras runs: TensorFlow Recommenders 0.7.7 refuses Keras 3.

Import this module before TensorFlow, everywhere (`models`, the binaries and the tests do):

    from tf_utils.keras_gate import tf
"""

import os
import sys

if "tensorflow" in sys.modules and os.environ.get("TF_USE_LEGACY_KERAS") != "1":
    raise ImportError("tensorflow was imported before tf_utils.keras_gate; import tf_utils.keras_gate first")
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # a machine without a GPU is no error

import tensorflow as tf  # noqa: E402

if not tf.keras.layers.Layer.__module__.startswith("tf_keras"):
    raise ImportError("tf.keras is not tf_keras; install tf_keras==2.21.0 (see requirements.txt)")

__all__ = ["tf"]
