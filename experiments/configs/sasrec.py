"""SASRec's own protocol on MovieLens-1M, the anchor of the suite: `--config=experiments/configs/sasrec.py[:loss]`.

Kang and McAuley, ICDM 2018, section IV: items with 5 or more ratings, d 50, n 200, 2 blocks, 1 head, dropout 0.2, Adam
1e-3 with beta_2 0.98, batch 128, 100 negatives. Published: HR@10 0.8245, NDCG@10 0.5905; independent replications 0.819
to 0.823 and 0.590 to 0.592. `:ce` has full cross-entropy instead of one negative and is selected by full NDCG@10;
`:ce_replicated` also has d 64 and dropout 0.1, as those who report 0.182 with it (Klenitskiy and Vasilev, RecSys 2023).
"""

from experiments.configs.common import base_config


def get_config(loss: str = "bce"):
    if loss not in ("bce", "ce", "ce_replicated"):
        raise ValueError(f"{loss!r}: choose bce, ce or ce_replicated")
    config = base_config("anchors", "ml-1m-sasrec", "sasrec", "paper" if loss == "bce" else loss)
    config.train.budget_minutes = 60.0
    if loss != "bce":
        config.train.max_epochs, config.train.eval_every, config.train.patience = 200, 5, 4
        config.eval.select = "full/NDCG@10"
    else:
        config.train.max_epochs, config.train.eval_every, config.train.patience = 600, 10, 6
    return config
