"""Item vectors for TensorBoard's embedding projector: a checkpoint, a table of names, the plugin's configuration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from google.protobuf import text_format
from tensorboard.plugins import projector
from tensorboard.plugins.projector.metadata import PROJECTOR_FILENAME

from data.splits import Split
from experiments.inspection.histories import item_names
from models.base import Recommender
from models.layers.embedding import PaddedEmbedding
from tf_utils.keras_gate import tf

TENSOR = "item_embedding"
COLUMNS = ("item", "name", "category", "training events")


def item_vectors(model: Recommender) -> np.ndarray | None:
    """float32 [n_items, d]: what items are scored with, else (CAFE, whose score has two parts) their embedding.

    None: the model has neither, or they have one column alone.
    """
    try:
        matrix = model.item_matrix()
    except NotImplementedError:
        if not isinstance(getattr(model, "items", None), PaddedEmbedding):
            return None
        matrix = model.items.matrix()
    return tf.cast(matrix, tf.float32).numpy()[1:] if matrix.shape[1] > 1 else None


def metadata(split: Split) -> str:
    """Tab-separated: a header, then a line an item, in the order of the ids."""
    seq = split.sequences
    categories = np.concatenate([["none"], np.asarray(seq.labels["category"]).astype(str)])
    columns = (
        np.asarray(seq.labels["item"]).astype(str),
        item_names(seq),
        categories[seq.item_categories()[1:]],
        split.item_counts(train_only=True)[1:].astype(str),
    )
    lines = [COLUMNS, *zip(*columns, strict=True)]
    return "".join("\t".join(" ".join(cell.split()) for cell in line) + "\n" for line in lines)


def write(folder: Path, vectors: np.ndarray, split: Split) -> None:
    """Writes items.ckpt-1*, checkpoint, metadata.tsv and projector_config.pbtxt, which refer to each other by name
    alone: the folder may be moved."""
    checkpoint = tf.train.Checkpoint(**{TENSOR: tf.Variable(vectors, trainable=False)})
    checkpoint.save(str(folder / "items.ckpt"))
    (folder / "metadata.tsv").write_text(metadata(split), encoding="utf-8")
    config = projector.ProjectorConfig()
    embedding = config.embeddings.add()
    embedding.tensor_name = f"{TENSOR}/.ATTRIBUTES/VARIABLE_VALUE"
    embedding.metadata_path = "metadata.tsv"
    (folder / PROJECTOR_FILENAME).write_text(text_format.MessageToString(config), encoding="utf-8")
