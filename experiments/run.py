"""Trains one model: python -m experiments.run --config=experiments/configs/asli.py:jd_appliances --workdir=runs/first

Any value can be overridden: --config.model.kernel_size=20; the record is of profile "custom" then. Run the same command
again to continue a stopped run.
"""

from pathlib import Path

from absl import flags
from ml_collections import config_flags

from experiments import console
from tf_utils import cli
from tf_utils.files import held

FLAGS = flags.FLAGS
CONFIG = config_flags.DEFINE_config_file("config", None, "Configuration file, e.g. experiments/configs/asli.py:ml-1m.")
WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run's checkpoints, logs and record.")
DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the raw data sets (default: $DATA_DIR).")
STRATEGY = flags.DEFINE_enum("strategy", "none", ["none", "mirrored"], "tf.distribute strategy.")
LOGICAL_CPUS = flags.DEFINE_integer("logical_cpus", 0, "Split the CPU into so many devices (to try --strategy).", 0, 64)
PRECISION = flags.DEFINE_enum("precision", "float32", ["float32", "mixed_bfloat16"], "Keras dtype policy.")
DETERMINISTIC = flags.DEFINE_bool("deterministic", False, "Deterministic kernels: repeats are equal to the last bit.")
THREADS = flags.DEFINE_integer("threads", 0, "Intra-op threads; 0: one a core.", 0)
TENSORBOARD = flags.DEFINE_bool("tensorboard", True, "Write TensorBoard scalars to the workdir.")


def main(argv) -> None:
    config = cli.config_value(CONFIG)
    if not WORKDIR.value:
        raise cli.UserError("--workdir is needed, e.g. --workdir=runs/first")
    from experiments import runner, setup

    runner.check(config)

    strategy = setup.devices(STRATEGY.value, LOGICAL_CPUS.value, PRECISION.value, DETERMINISTIC.value, THREADS.value)
    workdir = Path(WORKDIR.value)
    with console.progress(
        f"{config.model_name} on {config.dataset}", config.train.max_epochs, config.eval.select
    ) as show:
        log = setup.scalars(workdir) if TENSORBOARD.value else lambda entry: None

        def on_epoch(entry, _):
            show(entry)
            log(entry)

        with held(workdir):
            record = runner.execute(config, workdir, DATA_DIR.value, strategy, on_epoch, _profile())
    console.metrics_table(record)


def _profile() -> str:
    """Of the record: paper for a run as the configuration file has it, whatever its seed; else custom, which no report
    shows."""
    changed = config_flags.get_override_values(FLAGS["config"])
    return "custom" if {*changed} - {"train.seed", "train.groups", "eval.batch_size"} else "paper"


if __name__ == "__main__":
    cli.run(main)
