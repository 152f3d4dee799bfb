"""SASRec in float64 NumPy, one history at a time (LEDGER B1; Kang and McAuley, ICDM 2018)."""

import math

import numpy as np

from tests.oracles.layers_oracle import layer_norm, log_sigmoid, sasrec_block


def encode(weights, items, heads=1, scale_inputs=True, positions="newest"):
    """items: ids without padding, T <= n -> [T, d]. positions: which item has the table's last or first row."""
    table, places = weights["items/table"], weights["positions/table"]
    x = table[items] * (math.sqrt(table.shape[1]) if scale_inputs else 1.0)
    x = x + (places[len(places) - len(items) :] if positions == "newest" else places[: len(items)])
    for name in sorted({key.split("/")[0] for key in weights if key.startswith("block_")}):
        x = sasrec_block(x, weights, name, heads)
    return layer_norm(x, weights, "norm")


def loss(weights, batch, kind="bce", heads=1):
    """The mean over the batch's valid steps. batch: arrays [B, T], left-padded."""
    table, total, count = weights["items/table"], 0.0, 0
    for items, positives, negatives in zip(batch["items"], batch["positives"], batch["negatives"], strict=True):
        here = items > 0
        for o, p, n in zip(encode(weights, items[here], heads), positives[here], negatives[here], strict=True):
            if kind == "bce":
                total -= log_sigmoid(o @ table[p]) + log_sigmoid(-(o @ table[n]))  # log(1 - s(r)) = log s(-r)
            else:
                logits = table[1:] @ o
                total -= logits[p - 1] - np.log(np.exp(logits).sum())
            count += 1
    return total / count
