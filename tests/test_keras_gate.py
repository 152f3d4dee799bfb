"""The gate keeps the libraries' start-up lines away, in a process that has imported nothing."""

import os
import subprocess
import sys

import pytest

from tests.commands import ROOT


def test_an_error_is_the_only_line():
    environment = {key: x for key, x in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    asked = ["experiments.reproduce", "--paper=asli", "--datasets=atlantis"]
    done = subprocess.run(
        [sys.executable, "-m", *asked], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and done.stderr.startswith("error: data set 'atlantis'")
    assert done.stderr.count("\n") == 1 and not done.stdout


@pytest.mark.parametrize("closed", [False, True])
def test_stderr_is_there_again_or_still_closed(closed):
    script = "import os; from tf_utils.keras_gate import tf; print(tf.keras.layers.Layer); os.write(2, b'heard')"
    command = f'exec "{sys.executable}" -c "{script}"' + (" 2>&-" if closed else "")
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "tf_keras" in done.stdout and done.stderr == ("" if closed else "heard")
    assert done.returncode == (1 if closed else 0)  # nothing can be written to it
