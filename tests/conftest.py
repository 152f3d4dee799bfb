"""Two threads at most, TensorFlow through the gate, and data that every test may share."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from tf_utils.keras_gate import tf  # isort: skip  before anything else can import TensorFlow

import hypothesis
import pytest

# No time limits on a shared machine, and the same examples every time: a red test is a changed program.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis.settings.load_profile("suite")
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(2)


@pytest.fixture(scope="session")
def tiny_split():
    """30 users, 40 items, 5 categories, 3 actions; see tests/tiny.py."""
    from tests import tiny

    return tiny.make_split()
