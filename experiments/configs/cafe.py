"""CAFE's protocol (section 4.1; LEDGER C12-C15): `--config=experiments/configs/cafe.py:dataset[,model[,variant]]`.

Paper: n 50, d 128, batch 64; the released script: Adam 1e-3 (0.9, 0.98), gradients clipped at norm 5, dropout 0.3, the
epoch chosen by NDCG@10 over 100 negatives drawn by popularity, an end after 40 epochs without a better one. All models
have these; what else they have is from their own papers, and nothing was tuned. Masked models hide 0.6 of the events,
as BERT4Rec and LOCKER do on sparse shops.

All models have 100 epochs at most (the script: 1,000), 11,900 updates on Taobao favourites; a limit in time would give
the masked models, whose loss runs over all items, fewer updates than SASRec has.
"""

from experiments.configs.common import base_config, parse
from experiments.papers.cafe_data import EPOCHS, EVERY

SAMPLED = "popularity100"
PAIRED = "cafe_released_pairing"
SCORES_INTENTS = ("cafe", "intent_pop")
OWN_DROPOUT = ("recbole",)  # variants that are somebody else's whole model
SIZES = {"dim": 128, "max_length": 50}
FRACTIONS = {"synthetic-sparse_intent": 0.03}  # 3,937 users and 61,122 items of the preset's
QUICK_FRACTION = 0.1


def get_config(argument: str = "taobao_favourites-10"):
    dataset, model, variant = parse(argument, "cafe")
    config = base_config("cafe", dataset, model, variant)
    hyper, train = config.model, config.train
    own = dict(SIZES)
    if model == "sse_pt":
        own["dim"] = 64  # of an item and of a user, 128 together
    if variant not in OWN_DROPOUT:
        own["dropout"] = own["attention_dropout"] = 0.3
    if model != "locker" and model != "locker_f":  # theirs is the same
        own["mask_share"] = 0.6
    _set(hyper, own | {"inner": 4 * own["dim"]})
    train.update(batch_size=64, clip_norm=5.0, max_epochs=EPOCHS, eval_every=EVERY, patience=8, budget_minutes=0.0)
    config.eval.select = f"{SAMPLED}/NDCG@10"
    # Items of Amazon 2018 may have no category, and the released pairing needs one of each.
    if model in SCORES_INTENTS and not dataset.startswith("amazon-2018"):
        config.eval.protocols = (*config.eval.protocols, PAIRED)
    if model == "bert4rec":
        with config.eval.unlocked():
            config.eval.keep = ("scope", "frequency")  # Figure 2
    return config


def stand_in(config) -> None:
    """Generated data in the place of Amazon: cut to what two cores can train."""
    if config.dataset in FRACTIONS:
        config.dataset_args.fraction = FRACTIONS[config.dataset]


def quick(config) -> None:
    """The quick profile: small widths, short histories, few epochs, a tenth of the users."""
    small = {"dim": 32, "max_length": 20, "inner": 64}
    _set(config.model, {name: min(config.model.get(name, value), value) for name, value in small.items()})
    config.train.update(max_epochs=6, eval_every=3, patience=2, budget_minutes=0.5, groups=1)
    config.dataset_args.fraction = QUICK_FRACTION * (config.dataset_args.fraction or 1.0)


def _set(hyper, values: dict) -> None:
    for name, value in values.items():
        if name in hyper:
            hyper[name] = value
