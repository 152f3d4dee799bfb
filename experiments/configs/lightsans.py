"""LightSANs' anchor on MovieLens-1M, its authors' log: `--config=experiments/configs/lightsans.py[:variant]`.

Ratings of 3 and more (6,039 users, 3,628 films), n 200, k 20, dropout 0.2, Adam 3e-3, batch 1024, cross-entropy over
all items, each prefix of a history an instance, the history kept among the candidates. Their log, test: HR@10 0.2284,
MRR@10 0.0804, NDCG@10 0.1145 (validation 0.2347, 0.0836, 0.1184). Default: the released code's form, which the log is
of; `:paper` has the printed softmax.

60 minutes on two cores are about two epochs, and the log has its best at the 28th;
`--config.train.budget_minutes=0` trains until validation stops improving.
"""

from experiments.configs.common import base_config

LOG = {"HR@10": 0.2284, "NDCG@10": 0.1145}  # full_with_seen


def get_config(variant: str = "official"):
    config = base_config("anchors", "ml-1m", "lightsans", variant)
    with config.dataset_args.unlocked():
        config.dataset_args.min_rating = 3
    config.model.update(max_length=200, dim=64, interests=20, dropout=0.2, attention_dropout=0.2)
    config.train.update(batch_size=1024, learning_rate=3e-3, beta_2=0.999)
    config.train.update(max_epochs=100, eval_every=1, patience=10, budget_minutes=60.0)
    config.eval.select = "full_with_seen/NDCG@10"
    config.eval.protocols = ("full_with_seen", "full", "uniform100", "popularity100")
    return config
