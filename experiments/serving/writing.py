"""A run -> a folder with a SavedModel, which is there in whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path

from experiments.inspection.loading import TrainedRun, load_config, load_record, load_run
from experiments.serving import card
from experiments.serving.check import check_round_trip
from experiments.serving.module import ServingModule
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf


def export_workdir(
    workdir: Path, out: Path, top_n: int, keep_seen: bool, index: str = "tfrs", data_dir: str | None = None
) -> list[str]:
    """Exports the best weights of a finished run; see `export`. Raises UserError before anything long is begun."""
    config = load_config(workdir)
    if load_record(workdir, config) is None:
        raise UserError(f"{workdir}: the run has not ended; let experiments.run finish it")
    check_out(out)
    return export(load_run(workdir, data_dir), out, top_n, keep_seen, index)


def check_out(out: Path) -> None:
    """Raises UserError if the folder is there already, or cannot be made."""
    if out.exists() or out.is_symlink():
        raise UserError(f"{out}: exists already; choose another --out or delete it")
    if not out.absolute().parent.is_dir():
        raise UserError(f"{out.parent}: no such folder for --out; make it first")
    if not os.access(out.absolute().parent, os.W_OK | os.X_OK):
        raise UserError(f"{out.parent}: not writable; choose another --out")


def export(run: TrainedRun, out: Path, top_n: int, keep_seen: bool, index: str = "tfrs") -> list[str]:
    """Writes the SavedModel, README.md and export.json, and compares its lists with the model's.

    Args:
        run: of experiments.inspection.loading.
        out: the folder to make; its parent must exist.
        top_n: items of a list.
        keep_seen: whether items of the history may be in its list.
        index: see experiments.serving.retrieval.

    Returns:
        what was done, in lines for a reader.

    Raises:
        UserError: `out` is there already or cannot be made, there are fewer than top_n items, or scores are not finite.
    """
    check_out(out)
    n_items = run.split.sequences.size("item")
    if not 1 <= top_n <= n_items:
        raise UserError(f"--top_n={top_n}: the data has {n_items} items; choose from 1 to {n_items}")
    length = run.config.model.get("max_length", 1) if run.model.regime else None  # as runner.make_evaluator
    module = ServingModule(run.model, run.split.sequences, length, top_n, keep_seen, index)
    try:
        temporary = Path(tempfile.mkdtemp(dir=out.absolute().parent, prefix=f".{out.name}."))
    except OSError as error:
        raise UserError(f"{out.parent}: nothing can be made in it ({error.strerror}); choose another --out") from None
    try:
        made = temporary / out.name
        tf.saved_model.save(module, str(made), signatures=module.signatures())
        checked = check_round_trip(made, run, length, keep_seen, top_n)
        content = card.export_json(run, module, length, top_n, keep_seen)
        text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        (made / "export.json").write_text(text, encoding="utf-8")
        (made / "README.md").write_text(card.readme(run, module, length, top_n, keep_seen), encoding="utf-8")
        check_out(out)  # nobody else made it meanwhile
        os.rename(made, out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return [
        f"{run.title}: {out}, the {top_n} best of {n_items} items, by {module.retrieval}",
        f"loaded again, it gives the model's own lists for {checked} test histories",
    ]
