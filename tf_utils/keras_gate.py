"""The one place that decides which Keras runs: TensorFlow Recommenders 0.7.7 refuses Keras 3.

Import this module before TensorFlow, everywhere (`models`, the binaries and the tests do):

    from tf_utils.keras_gate import tf

It also keeps TensorFlow's start-up lines off the terminal, so that an error of ours is one line. TF_CPP_MIN_LOG_LEVEL=0
shows them, and all else that TensorFlow has to say.
"""

import contextlib
import os
import sys

if "tensorflow" in sys.modules and os.environ.get("TF_USE_LEGACY_KERAS") != "1":
    raise ImportError("tensorflow was imported before tf_utils.keras_gate; import tf_utils.keras_gate first")
os.environ["TF_USE_LEGACY_KERAS"] = "1"
_LEVEL = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # a machine without a GPU is no error


@contextlib.contextmanager
def _quiet_stderr():
    """Drops what is written to file descriptor 2: the libraries log before they have read the level."""
    try:
        kept = os.dup(2)
    except OSError:  # closed
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


with _quiet_stderr() if _LEVEL == "3" else contextlib.nullcontext():
    import tensorflow as tf

if not tf.keras.layers.Layer.__module__.startswith("tf_keras"):
    raise ImportError("tf.keras is not tf_keras; install tf_keras==2.21.0 (see requirements.txt)")

__all__ = ["tf"]
