"""What a process sets before the first tensor: threads, determinism, precision, devices. And its TensorBoard writer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tf_utils.keras_gate import tf
from tf_utils.strategy import make_strategy


def devices(strategy: str, logical_cpus: int, precision: str, deterministic: bool, threads: int):
    """Applies the settings and returns the tf.distribute.Strategy. Raises UserError for those that cannot be met."""
    tf.get_logger().setLevel("ERROR")  # it warns that each model's evaluator is a graph of its own
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    if deterministic:
        tf.config.experimental.enable_op_determinism()
    tf.keras.mixed_precision.set_global_policy(precision)
    return make_strategy(strategy, logical_cpus)


def scalars(workdir: Path) -> Callable[[dict], None]:
    """A function that writes an epoch's entry (runner.execute) as TensorBoard scalars."""
    writers = []

    def log(entry: dict) -> None:
        if not writers:  # not before the first epoch: a run that cannot start leaves nothing behind
            writers.append(tf.summary.create_file_writer(str(workdir / "tensorboard")))
        writer = writers[0]
        part = "refit" if "refit" in entry else "train"
        with writer.as_default(step=entry["epoch"]):
            tf.summary.scalar(f"{part}/loss", entry["loss"])
            tf.summary.scalar(f"{part}/seconds", entry["seconds"])
            for protocol, metrics in entry.get("validation", {}).items():
                for metric, value in metrics.items():
                    tf.summary.scalar(f"validation/{protocol}/{metric}", value)
        writer.flush()

    return log
