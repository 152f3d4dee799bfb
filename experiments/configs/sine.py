"""SINE's protocol (section 4.1, Table 3; LEDGER S12-S16): `--config=.../sine.py:dataset[,model[,variant]]`.

Paper: batch 128, Adam 1e-3 (beta_2 is TensorFlow's 0.999, since nothing is said), D 128, n 20, 5 negatives a row on
MovieLens and 10 elsewhere, lambda 0.5, tau 0.1; K and L as in `SIZES`. One instance for each (user, t), so an epoch of
MovieLens-1M has 7,700 steps. All models have as many epochs at most, 12 of MovieLens-1M (92,000 updates, where SINE's
validation hardly rises any more) and 30 of the others; a limit in time would give costly models fewer. The epoch is
chosen by validation HR@50 among all items. Nothing is tuned: SINE's K and L
are the paper's, the rivals have batch, D, n and negatives in common and the values of their own papers or codes else
(their tables say which; SASRec's dropout: 0.2 on MovieLens, 0.5 on sparse data, LEDGER B1).
"""

from experiments.configs.common import base_config, parse, plain_name

# data set: (K, L); a data set that stands in for another has its values
SIZES = {
    "ml-1m": (4, 50),
    "amazon-books": (4, 500),
    "s3rec-beauty": (4, 500),
    "taobao": (8, 1000),
    "taobao_favourites": (8, 1000),
    "synthetic-ularge": (8, 5000),
}
FALLBACK = (4, 50)
OWN_FORM = ("sasrec", "paper")  # as its own paper has it, for comparison


def get_config(argument: str = "ml-1m"):
    dataset, model, variant = parse(argument, "sine")
    config = base_config("sine", dataset, model, variant)
    hyper, train = config.model, config.train
    name = plain_name(dataset)
    movies = name == "ml-1m"
    train.update(batch_size=128, beta_2=0.999, max_epochs=12 if movies else 30, eval_every=1, patience=5)
    train.budget_minutes = 0.0
    config.eval.select = "full/HR@50"
    config.eval.protocols = ("full", "full_with_seen", "uniform100", "popularity100")
    if (model, variant) == OWN_FORM:
        hyper.max_length = 200 if movies else 50
        train.update(beta_2=0.98, max_epochs=400, eval_every=5, patience=6)
    else:
        _protocol(hyper, name, model, variant)
    if model == "sasrec":
        hyper.dropout = 0.2 if movies else 0.5
    keep = []
    if model == "sine" and hyper.prototypes == "learned":
        keep.append("concepts")  # nearest items, NMI with categories
    if (model, variant) == ("sasrec", "sine_protocol"):
        keep.append("recent")  # Figure 1; facts of the data, so the runs of one model are enough
    if keep:
        with config.eval.unlocked():
            config.eval.keep = tuple(keep)
    return config


def _protocol(hyper, dataset: str, model: str, variant: str) -> None:
    """What all models of Table 1 share, and SINE's K and L."""
    if "max_length" in hyper:
        hyper.dim, hyper.max_length = 128, 20
        hyper.negatives = 5 if dataset == "ml-1m" else 10
    if model == "sine":
        hyper.intents, hyper.concepts = SIZES.get(dataset, FALLBACK)
        if variant == "official":  # the code's pool is 10 a row everywhere, and it has a branch for MovieLens
            hyper.negatives = 10
            if dataset == "ml-1m":
                hyper.intents, hyper.concepts = 2, 10


def stand_in(config) -> None:
    """Generated data in the place of ULarge: its users' lengths, cut to what two cores can train."""
    if config.dataset == "synthetic-ularge":
        with config.dataset_args.unlocked():
            config.dataset_args.fraction = 0.0002  # 21,305 users
            config.dataset_args.n_items = 20_000
        if "concepts" in config.model:
            config.model.concepts = min(config.model.concepts, 1000)


def quick(config) -> None:
    """The quick profile: small widths, few concepts, few epochs, a slice of generated data."""
    hyper = config.model
    for name, value in (("dim", 32), ("hidden", 64), ("concepts", 50)):
        if name in hyper:
            hyper[name] = min(hyper[name], value)
    config.train.update(max_epochs=3, eval_every=1, patience=2, budget_minutes=1.0)
    if config.dataset_args.fraction:
        config.dataset_args.update(fraction=0.00001, n_items=2_000)
