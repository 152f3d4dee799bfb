"""AttRec's protocol (section Experiments; LEDGER T12-T20): `--config=.../attrec.py:dataset[,model[,variant]]`.

Paper: d 100 for all models, L 5 and T 3 on MovieLens, L 3 on MovieTweetings, L 2 elsewhere, T 1; Adagrad 0.05, batch
1,000, margin 0.5; on sparse data norm clipping instead of L2 on the tables (the first author's code has L2 everywhere:
its clipping is defined and never run, T10, so its form has L2 here too). Epoch, omega and what `GRIDS` names are
chosen by validation HR@50 among all items; then the model is refitted on training and validation for as many epochs.
The trials lie in `experiments/tuning`; a configuration is the best of its trials.
"""

import itertools

from experiments import tuning
from experiments.configs.common import base_config, parse, plain_name

MOVIELENS = ("ml-100k", "ml-1m", "ml-hetrec")
METRIC_SPACE = ("attrec", "lstm_plus")
LARGE = ("ml-1m", "ml-hetrec")  # 60 minutes a run and 4 trials a model; 25 and 12 elsewhere


def get_config(argument: str = "ml-100k"):
    dataset, model, variant = parse(argument, "attrec")
    config = untuned(dataset, model, variant)
    dataset = plain_name(dataset)
    own = tuning.best("attrec", dataset, f"{model}-{variant}")
    if f"{model}-{variant}" not in GRIDS:
        own = own or tuning.best("attrec", dataset, model)
    tuning.apply(config, own)
    return config


def untuned(dataset: str, model: str, variant: str = "paper"):
    """The configuration before tuning: where a grid is silent."""
    config = base_config("attrec", dataset, model, variant)
    hyper, train, dataset = config.model, config.train, plain_name(dataset)
    config.dataset_args.ties = "first_last"  # as in the first author's split, on which his numbers rest
    if dataset == "s3rec-lastfm":  # the others have this filter of the paper's by themselves
        config.dataset_args.min_user = 10
    if "dim" in hyper:
        hyper.dim = 100
    if model in (*METRIC_SPACE, "caser"):
        hyper.max_length = 5 if dataset in MOVIELENS else 3 if dataset == "movietweetings" else 2
        hyper.targets = 3 if dataset in MOVIELENS else 1
    train.update(batch_size=1000, max_epochs=100, eval_every=1, patience=10)
    with train.unlocked():
        train.refit = True
        if model in METRIC_SPACE:
            train.update(optimizer="adagrad", learning_rate=0.05)
            train.initial_accumulator = 0.05
        else:
            train.learning_rate = 3e-3
    if model in METRIC_SPACE and dataset not in MOVIELENS and variant != "official":
        hyper.update(clip="projection", l2_tables=0.0, init=0.1)
    if dataset in LARGE:
        train.budget_minutes = 60.0
    config.eval.select = "full/HR@50"
    if model == "attrec" and dataset == "ml-100k":
        with config.eval.unlocked():
            config.eval.maps_of = ("888", "538")  # the users of Figure 3
    return config


# What is tuned of each model: the product of these axes, 12 trials; on large data sets the 4 of `LARGE_GRIDS`. Names
# joined by + share a value. AttRec's values are among the paper's (omega to 1, L2 to 0.1, dropout to 0.7). In the unit
# ball there is no L2 of the tables to tune, and dropout is in its place; where L is 2 the attention of AttRec's
# equations is the plain mean (T4), so its dropout would do nothing, and all of omega's range and the scale of the
# initial tables are tried.
RATE = "train.learning_rate"
METRIC_GRID = {"model.omega": (0.0, 0.2, 0.4, 0.6), "model.l2_tables": (1e-4, 1e-3, 1e-2)}
BALL_GRID = {"model.omega": (0.0, 0.2, 0.4, 0.6), "model.dropout": (0.0, 0.3, 0.5)}
PAIR_GRID = {"model.omega": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0), "model.init": (0.1, 0.01)}
LARGE_METRIC_GRID = {"model.omega": (0.2, 0.4), "model.l2_tables": (1e-4, 1e-3)}
FPMC_L2, USER_ITEM = "model.l2_user+model.l2_item+model.l2_transition", "model.l2_user+model.l2_item"
GRIDS = {
    "attrec": METRIC_GRID,
    "attrec-official": METRIC_GRID,  # a variant that is not named takes the model's best trial
    "lstm_plus": METRIC_GRID,
    "bpr_mf": {USER_ITEM: (3e-4, 1e-3, 3e-3, 1e-2), RATE: (1e-3, 3e-3, 1e-2)},
    "fmc": {"model.l2": (1e-4, 1e-3, 3e-3, 1e-2), RATE: (1e-3, 3e-3, 1e-2)},
    "fpmc": {FPMC_L2: (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3), "model.exclude": ("targets", "train")},
    "hrm": {USER_ITEM: (1e-3, 3e-3, 1e-2), "model.negatives": (1, 5), "model.exclude": ("targets", "train")},
    "prme": {"model.alpha": (0.2, 0.5), USER_ITEM: (3e-4, 3e-3, 3e-2), "model.exclude": ("targets", "train")},
    "transrec": {"model.l2_user": (0.0, 1e-3, 1e-2, 0.1), "model.l2_bias": (0.0, 1e-3, 1e-2)},
    "caser": {"model.dropout": (0.2, 0.5), "model.l2": (0.0, 1e-6, 1e-4), "model.negatives": (1, 3)},
}
LARGE_GRIDS = {
    "attrec": LARGE_METRIC_GRID,
    "attrec-official": LARGE_METRIC_GRID,
    "lstm_plus": LARGE_METRIC_GRID,
    "bpr_mf": {USER_ITEM: (1e-4, 3e-4, 1e-3, 3e-3)},
    "fmc": {"model.l2": (3e-4, 1e-3, 3e-3, 1e-2)},
    "fpmc": {FPMC_L2: (1e-3, 1e-2), "model.exclude": ("targets", "train")},
    "hrm": {USER_ITEM: (1e-3, 1e-2), "model.negatives": (1, 5)},
    "prme": {USER_ITEM: (1e-3, 1e-2), "model.exclude": ("targets", "train")},
    "transrec": {"model.l2_user": (1e-3, 1e-2, 0.1, 1.0)},
    "caser": {"model.dropout": (0.2, 0.5), "model.negatives": (1, 3)},
}


def trials(dataset: str, model: str) -> list[dict]:
    """The values to try, dotted names of the configuration and their values. model: of `GRIDS`, model[-variant]."""
    grid = (LARGE_GRIDS if dataset in LARGE else GRIDS)[model]
    if model in METRIC_SPACE and dataset not in MOVIELENS:
        grid = PAIR_GRID if model == "attrec" and untuned(dataset, model).model.max_length == 2 else BALL_GRID
    points = itertools.product(*grid.values())
    return [{n: v for names, v in zip(grid, point, strict=True) for n in names.split("+")} for point in points]


def stand_in(config) -> None:
    """Generated data: as many users as MovieLens-100K has."""
    config.dataset_args.fraction = 0.3


def quick(config) -> None:
    """The quick profile: small widths, few epochs."""
    if "dim" in config.model:
        config.model.dim = 32
    config.train.update(max_epochs=15, patience=3, budget_minutes=2.0)
