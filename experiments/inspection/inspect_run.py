"""All that there is to see of a trained run, written for TensorBoard and as PNG files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from experiments.inspection import histories, images, projector, writing
from experiments.inspection.loading import load_run


def inspect_run(
    workdir: Path,
    out: Path | None = None,
    labels: Sequence[str] = (),
    n_users: int = 3,
    data_dir: str | None = None,
) -> list[str]:
    """Draws the maps of some users, their averages, latent intents and concepts, and writes the item vectors.

    Args:
        workdir: of experiments.run or experiments.reproduce.
        out: folder to write to; None: <workdir>/tensorboard/inspection.
        labels: raw labels of the users to draw.
        n_users: without labels, so many users from short to long histories.
        data_dir: folder of the raw data sets.

    Returns:
        lines that tell what was written, and what the model does not have.

    Raises:
        UserError: see `load_run`; unknown user.
    """
    out = out or workdir / "tensorboard" / "inspection"
    run = load_run(workdir, data_dir)
    users = histories.by_label(run.split.sequences, [label.strip() for label in labels])
    if not len(users):
        users = histories.typical(run.split, n_users)
    pictures = dict(images.draw(run, users))
    vectors = projector.item_vectors(run.model)
    said = []
    if not pictures:
        said.append(f"{run.title}: the model gives no attention maps, so there are no pictures")
    if vectors is None:
        said.append(f"{run.title}: the model has no item vectors, so there is no projector")
    if pictures or vectors is not None:
        writing.write(out, pictures, run.epoch, vectors, run.split)
        written = [f"{len(pictures)} pictures (as PNG in {out / 'images'})"] if pictures else []
        written += [f"{len(vectors)} item vectors for the projector"] if vectors is not None else []
        said.append(f"{', '.join(written)}: tensorboard --logdir={out}")
    return said
