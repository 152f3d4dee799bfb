"""The metrics of a trained run, again or under further protocols."""

from __future__ import annotations

from rich.table import Table

from data import candidates
from experiments import runner
from experiments.console import METRICS
from experiments.inspection.loading import TrainedRun
from tf_utils import ranking
from tf_utils.cli import UserError
from tf_utils.evaluation import FULL


def evaluate(
    run: TrainedRun, part: str = "test", protocols: tuple[str, ...] = (), candidate_seed: int | None = None
) -> dict:
    """Ranks the held-out targets under the given protocols.

    Args:
        run: the trained run.
        part: "test" or "validation".
        protocols: () for those of the run.
        candidate_seed: of the frozen candidates; None for that of the run.

    Returns:
        what identifies the run, and "metrics": {protocol: {metric: value}}. Under the run's own protocols and seed
        these are the numbers of its record.

    Raises:
        UserError: unknown protocol, scores that are not finite, the validation part of a refitted run.
    """
    config = run.config.copy_and_resolve_references()
    own = tuple(config.eval.protocols)
    asked = tuple(dict.fromkeys(protocols)) or own
    known = (*FULL, *candidates.PROTOCOLS)
    if unknown := [name for name in asked if name not in known]:
        raise UserError(f"unknown protocol {unknown[0]!r}; choose from {', '.join(known)}")
    if candidate_seed is not None:
        config.eval.candidate_seed = candidate_seed
    if part == "validation" and config.train.get("refit", False):
        raise UserError(
            "the model was refitted on training and validation after its epoch was chosen, so it knows the validation "
            "set; its numbers there, from before, are in the run's record"
        )

    # The run's protocols are ranked together, as the run did it: listed candidates take their scores from the full
    # product where there is one, and another kernel would differ in the last bit.
    ranks, notes = {}, []
    for group in (own if set(own) & set(asked) else (), tuple(name for name in asked if name not in own)):
        if group:
            evaluator = runner.make_evaluator(config, run.split, run.model, part, group)
            ranks, notes = ranks | evaluator.ranks(), [*notes, *evaluator.notes]
    provenance = run.split.sequences.provenance
    return {
        "paper": config.paper,
        "dataset": config.dataset,
        "model": config.model_name,
        "variant": config.model.get("variant", "paper"),
        "seed": config.train.seed,
        "best_epoch": run.epoch,
        "part": part,
        "candidate_seed": config.eval.candidate_seed,
        "n_users": len(ranks[asked[0]]),
        "data_fingerprint": provenance.fingerprint,
        "data_notes": [*provenance.notes, *notes],
        "synthetic": provenance.synthetic,
        "stand_in_for": provenance.stand_in_for,
        "metrics": {name: ranking.metrics(ranks[name]) for name in asked},
    }


def table(result: dict, title: str) -> Table:
    """A row a protocol, as experiments.run prints it."""
    epoch = f"best epoch {result['best_epoch']}" if result["best_epoch"] else "fitted"
    caption = f"{epoch}, candidate seed {result['candidate_seed']}"
    drawn = Table(title=f"{title}: {result['part']}, {result['n_users']} users", caption=caption)
    drawn.add_column("protocol")
    for name in METRICS:
        drawn.add_column(name, justify="right")
    for protocol, values in result["metrics"].items():
        drawn.add_row(protocol, *(f"{values[name]:.4f}" for name in METRICS))
    return drawn
