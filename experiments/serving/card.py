"""What lies beside an exported module for people and programs: README.md and export.json."""

from __future__ import annotations

from experiments.inspection.loading import TrainedRun
from experiments.serving.module import ServingModule

_README = """# {title}, top {top_n}

A TensorFlow SavedModel; nothing but TensorFlow is needed to load it.

```python
import tensorflow as tf

model = tf.saved_model.load("path/of/this/folder")
best = model.recommend(tf.constant([[{example}]]))  # raw item ids, oldest first; rows padded with "", or ragged
best["items"], best["scores"]  # string and float32 [rows, {top_n}], best first; "" and -inf where no item is left
```

* Unknown items are skipped. {length} {seen}
* {reads}
* Signatures: `serving_default` (items), `with_context` (items, user, categories, actions; "" for what is not given).
* export.json: model, data set, commit and test metrics of the run.
"""

_READS = {
    "user": "the user (`user=`, raw ids [rows]; without one, or with one it was not trained on: the zero vector)",
    "categories": "categories (`categories=`, of the shape of items; where there is none: the item's own)",
    "actions": "actions (`actions=`, of the shape of items; where there is none: the most frequent one)",
}


def export_json(run: TrainedRun, module: ServingModule, length: int | None, top_n: int, keep_seen: bool) -> dict:
    """JSON types only. Without a record (a run that has not ended) its parts are left out."""
    config, record = run.config, run.record
    found = {
        "model": config.model_name,
        "variant": config.model.get("variant", "paper"),
        "dataset": config.dataset,
        "synthetic": run.split.sequences.provenance.synthetic,
        "n_items": run.split.sequences.size("item"),
        "epoch": run.epoch,
        "max_length": length,
        "top_n": top_n,
        "keep_seen": keep_seen,
        "reads": ["items", *module.reads],
        "retrieval": module.retrieval,
    }
    if record is not None:
        found |= {
            name: getattr(record, name)
            for name in ("seed", "commit", "tree_clean", "versions", "data_fingerprint", "data_notes", "metrics")
        }
    return found


def readme(run: TrainedRun, module: ServingModule, length: int | None, top_n: int, keep_seen: bool) -> str:
    """The text of README.md."""
    labels = run.split.sequences.labels["item"][:2]
    reads = "; ".join(_READS[name] for name in module.reads)
    return _README.format(
        title=run.title,
        top_n=top_n,
        example=", ".join('"' + str(label).replace("\\", "\\\\").replace('"', '\\"') + '"' for label in labels),
        length=f"Of a longer history the newest {length} events count." if length else "The whole history counts.",
        seen="Items of the history may come again." if keep_seen else "Items of the whole history are left out.",
        reads=f"The model also reads {reads}." if reads else "The model reads items only.",
    )
