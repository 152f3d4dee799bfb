"""Writes a finished run as a SavedModel: python -m experiments.export --workdir=runs/first --out=exported --top_n=100

It takes the raw item ids of a history and returns the best items with scores. Only TensorFlow is needed to load it:

    model = tf.saved_model.load("exported")
    best = model.recommend(tf.constant([["2858", "260"]]))  # {"items": [1, 100], "scores": [1, 100]}
"""

from pathlib import Path

from absl import flags

from tf_utils import cli

WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run (experiments.run --workdir).")
OUT = flags.DEFINE_string("out", None, "Folder to make; it must not be there yet.")
TOP_N = flags.DEFINE_integer("top_n", 100, "Items of a list.", 1)
KEEP_SEEN = flags.DEFINE_bool("keep_seen", False, "Whether items of the history may be in its list.")
INDEX = flags.DEFINE_enum(
    "index",
    "tfrs",
    ["tfrs", "blocked"],
    "What finds the best items: TFRS' brute force, or the same in blocks of items, for a catalogue whose scores for a "
    "batch do not fit in memory. The lists are equal.",
)
DATA_DIR = flags.DEFINE_string("data_dir", None, "Folder of the raw data sets (default: $DATA_DIR).")


def main(argv) -> None:
    if WORKDIR.value is None:
        raise cli.UserError("--workdir is needed: the folder of a run of experiments.run")
    if OUT.value is None:
        raise cli.UserError("--out is needed: the folder to make")
    from experiments import setup
    from experiments.serving.writing import export_workdir

    setup.devices("none", 0, "float32", False, 0)
    workdir, out = Path(WORKDIR.value), Path(OUT.value)
    for line in export_workdir(workdir, out, TOP_N.value, KEEP_SEEN.value, INDEX.value, DATA_DIR.value):
        print(line)


if __name__ == "__main__":
    cli.run(main)
