"""Draws what a trained run attends to: python -m experiments.visualize --workdir=runs/first --users=12,345

Attention maps of the named users and averaged over users, latent intents, and the item-embedding projector, for
TensorBoard (tensorboard --logdir=runs) and as PNG files.
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
    from experiments.inspection import histories, images, projector, writing
    from experiments.inspection.loading import load_run

    workdir = Path(WORKDIR.value)
    out = Path(OUT.value) if OUT.value else workdir / "tensorboard" / "inspection"
    run = load_run(workdir, DATA_DIR.value)
    users = histories.by_label(run.split.sequences, [label.strip() for label in USERS.value])
    if not len(users):
        users = histories.typical(run.split, N_USERS.value)
    pictures = dict(images.draw(run, users))
    vectors = projector.item_vectors(run.model)
    if not pictures:
        print(f"{run.title}: the model has no attention, so there are no maps")
    if vectors is None:
        print(f"{run.title}: the model has no item vectors, so there is no projector")
    if pictures or vectors is not None:
        writing.write(out, pictures, run.epoch, vectors, run.split)
        items = "" if vectors is None else f", {len(vectors)} item vectors for the projector"
        print(f"{len(pictures)} pictures (as PNG in {out / 'images'}){items}: tensorboard --logdir={out}")


if __name__ == "__main__":
    cli.run(main)
