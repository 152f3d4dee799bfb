"""The sampled softmax of a batch in float64, one row and one candidate at a time (SINE section 3.4; LEDGER S12)."""

import math


def loss(score, batch):
    """The mean over rows of -log P(target among target and pool), logits corrected by what the sampler expects.

    score: function of (row, item id).  batch: arrays positives [B], pool [S], pool_log_expected [S],
    positive_log_expected [B].
    """
    total, rows = 0.0, len(batch["positives"])
    for row in range(rows):
        target = int(batch["positives"][row])
        own = score(row, target) - float(batch["positive_log_expected"][row])
        logits = [own]
        for item, expected in zip(batch["pool"], batch["pool_log_expected"], strict=True):
            if item != target:
                logits.append(score(row, int(item)) - float(expected))
        total += math.log(sum(math.exp(x) for x in logits)) - own
    return total / rows
