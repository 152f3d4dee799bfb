"""Pictures and item vectors -> a folder that TensorBoard reads; the pictures lie there as PNG files too."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import numpy as np

from data.splits import Split
from experiments.inspection import projector
from tf_utils.files import make_folder
from tf_utils.keras_gate import tf

SUFFIX = ".inspection"  # of the event file: the next call replaces it


def write(out: Path, pictures: dict[str, bytes], step: int, vectors: np.ndarray | None, split: Split) -> None:
    """Writes everything into a folder beside the target and moves it file by file into `out`.

    Args:
        out: a folder; pictures go to <out>/images/<tag>.png.
        pictures: tag -> PNG; an event file of an earlier call is replaced.
        step: TensorBoard's step of the pictures.
        vectors: [n_items, d] for the projector, or None.
        split: the data that the vectors belong to.
    """
    make_folder(out)
    with tempfile.TemporaryDirectory(dir=out, prefix=".new-") as name:
        staging = Path(name)
        if pictures:
            (staging / "images").mkdir()
            for tag, png in pictures.items():
                (staging / "images" / file_name(tag)).write_bytes(png)
            _events(staging, pictures, step)
        if vectors is not None:
            projector.write(staging, vectors, split)
        for old in out.glob(f"events.*{SUFFIX}"):
            old.unlink()
        # The projector's configuration comes last: it refers to the other files.
        files = sorted((file for file in staging.rglob("*") if file.is_file()), key=lambda f: f.suffix == ".pbtxt")
        for file in files:
            target = out / file.relative_to(staging)
            target.parent.mkdir(exist_ok=True)
            os.replace(file, target)


def file_name(tag: str) -> str:
    """A tag as the name of a PNG file: other characters than letters, digits, dots and dashes become "_"."""
    return "-".join(re.sub(r"[^\w.-]", "_", part) for part in tag.split("/", 1)) + ".png"


def _events(folder: Path, pictures: dict[str, bytes], step: int) -> None:
    writer = tf.summary.create_file_writer(str(folder), filename_suffix=SUFFIX)
    with writer.as_default(step=step):
        for tag, png in pictures.items():
            tf.summary.image(tag, tf.io.decode_png(png, channels=3)[None])
    writer.close()
