"""Draws what a trained run attends to: python -m experiments.visualize --workdir=runs/first --users=12,345

Attention maps of the named users and averaged over users, latent intents, activated concepts and the items nearest to
them, and the item-embedding projector, for TensorBoard (tensorboard --logdir=runs) and as PNG files.
"""

from pathlib import Path

from absl import flags

from tf_utils import cli

WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run (experiments.run --workdir).")
USERS = flags.DEFINE_list("users", [], "Raw user labels, as in the source data.")
N_USERS = flags.DEFINE_integer("n_users", 3, "Without --users: so many, from short to long histories.", 0, 100)
OUT = flags.DEFINE_string("out", None, "Folder to write to (default: <workdir>/tensorboard/inspection).")
DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the raw data sets (default: $DATA_DIR).")


def main(argv) -> None:
    if WORKDIR.value is None:
        raise cli.UserError("--workdir is needed: the folder of a run of experiments.run")
    from experiments.inspection.inspect_run import inspect_run

    out = Path(OUT.value) if OUT.value else None
    for line in inspect_run(Path(WORKDIR.value), out, USERS.value, N_USERS.value, DATA_DIR.value):
        print(line)


if __name__ == "__main__":
    cli.run(main)
