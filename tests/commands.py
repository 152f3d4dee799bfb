"""The project's commands, each in a process of its own as a user starts them.

The processes are forked from one that has imported the libraries: importing TensorFlow is most of a short command's
time. It has imported nothing of the project but the gate, so what a command reads when it starts is read anew.
"""

import atexit
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["tf_utils.keras_gate", "pandas", "scipy.stats", "sklearn.metrics", "matplotlib"])


def start(module: str, *arguments: str, environment: Mapping[str, str] | None = None, output: Path | None = None):
    """`python -m module arguments` in the checkout, begun: a multiprocessing.Process.

    environment: instead of this process's.  output: a folder for its `stdout` and `stderr`, which else are lost.
    """
    environment = dict(os.environ if environment is None else environment)
    process = _FORKED.Process(target=_run, args=(module, arguments, environment, output))
    process.start()
    return process


def run(module: str, *arguments: str, environment: Mapping[str, str] | None = None, timeout: float = 300):
    """The same, ended: a subprocess.CompletedProcess with its text. Raises TimeoutError after `timeout` seconds."""
    with tempfile.TemporaryDirectory() as folder:
        process = start(module, *arguments, environment=environment, output=Path(folder))
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{module} {' '.join(arguments)}: no end after {timeout} s")
        texts = [Path(folder, name).read_text() for name in ("stdout", "stderr")]
    return subprocess.CompletedProcess([module, *arguments], process.exitcode, *texts)


def _run(module: str, arguments: tuple[str, ...], environment: dict[str, str], output: Path | None) -> None:
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(output / name if output else os.devnull, os.O_WRONLY | os.O_CREAT, 0o600), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:  # which a forked process skips; TensorFlow's remove what it writes to the temporary folder
        atexit._run_exitfuncs()
