"""SAIR's protocol (sections IV-B and IV-D; LEDGER R14, R18-R22): `--config=.../sair.py:dataset[,model[,variant]]`.

Paper, for all models: n 150, d 64, batch 256, Adam 1e-3 (beta_2 is the usual 0.999, since nothing is said), one uniform
negative where negatives are needed, early stop after 20 epochs without a better NDCG@10 among 100 sampled items
(RecBole's `uni100`); L and K as in `experiments/papers/sair_data.py`. Nothing is tuned.

Three things are not as printed. RecBole's epoch has an update for every 256 targets; a batch of 256 windows has up to
150 times as many targets and an epoch as many times fewer updates, so such models are validated every third epoch and
wait for 20 validations (BERT4Rec, which learns slowly, for 100 epochs). Caser reads its own newest 5 items: filters of
150 heights are not what it is. Dropout is 0.2 for every Transformer, as for MovieLens in the papers of these models.

"We sample one negative label randomly for each positive label", and of all models: "If the training procedure
requires negative sampling, we use a uniform negative sampling": a negative is any item but the target (of Caser: but
the window's targets), as RecBole's sampler draws them (R19), so the user's history is among them, as it is among the
candidates. Rows beside these leave the history out.

All models have as many passes over the data at most: 300, that is 12,000 updates on MovieLens-1M, where SAIR's
validation still rises a little (.565 after 147, .571 after 221 in its first run); BERT4Rec, which learns slowly, twice
as many; Caser, whose pass has a hundred times the updates, 60. A limit in time would give a model with costly steps
fewer of them. LightSANs alone has one, 120 minutes: its instances are prefixes, and it sees the data a few times in
that time on two cores, where its authors' log has its best epoch at 28. `--config.train.budget_minutes=0` lets it go
on.
"""

from experiments.configs.common import base_config, parse, plain_name
from experiments.papers.sair_data import DEMO, MOVIELENS, sizes

PROTOCOLS = ("full", "full_with_seen", "uniform100", "popularity100", "recbole_uni100")
LENGTH = 150


def get_config(argument: str = MOVIELENS):
    dataset, model, variant = parse(argument, "sair")
    config = base_config("sair", dataset, model, variant)
    hyper, train = config.model, config.train
    if "dim" in hyper:
        hyper.dim = 64
    if "max_length" in hyper and model != "caser":
        hyper.max_length = LENGTH
    if model in ("sasrec", "lightsans", "bert4rec"):
        for name in ("dropout", "attention_dropout"):
            if name in hyper:
                hyper[name] = 0.2
    if model == "lightsans":
        hyper.interests = LENGTH // 10  # a tenth of n, as its authors advise
    if model in ("sair", "sasrec"):
        train.exclude = "target"
    if model == "caser":
        hyper.exclude = "targets"
    if model == "sair":
        hyper.n_interests, hyper.top = sizes(plain_name(dataset))
        if variant == "full":
            hyper.top = 0  # all of them
        else:
            with config.eval.unlocked():
                config.eval.keep = ("interests",)  # Figures 2 and 3
    train.update(batch_size=256, beta_2=0.999, windows="sliding", eval_every=3, patience=20)
    train.update(max_epochs=300, budget_minutes=0.0)
    if model == "caser":
        train.update(eval_every=1, max_epochs=60)
    if model == "lightsans":
        train.update(eval_every=1, budget_minutes=120.0)
    if model == "bert4rec":
        train.update(eval_every=5, max_epochs=600)
    config.eval.select = "recbole_uni100/NDCG@10"
    config.eval.protocols = PROTOCOLS
    return config


def stand_in(config) -> None:
    """Generated data: 900 users."""
    if config.dataset == DEMO:
        config.dataset_args.fraction = 0.3


def quick(config) -> None:
    """The quick profile: small widths, short histories, few epochs, a part of the users."""
    for name, value in (("dim", 32), ("max_length", 30), ("inner", 64)):
        if name in config.model:
            config.model[name] = min(config.model[name], value)
    config.train.update(batch_size=64, max_epochs=10, eval_every=2, patience=3, budget_minutes=0.2, groups=1)
    config.dataset_args.fraction = 0.06
