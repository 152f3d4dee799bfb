"""RecBole's SASRec in float64 NumPy, one history at a time (LEDGER B1): another model than Kang and McAuley's."""

import numpy as np

from tests.oracles.layers_oracle import layer_norm, post_norm_block


def encode(weights, items, heads=2):
    """items: ids without padding, at most n -> [T, d]. Position 0 is the oldest item's."""
    x = weights["items/table"][items] + weights["positions/table"][: len(items)]
    x = layer_norm(x, weights, "norm", 1e-12)
    for name in sorted({key.split("/")[0] for key in weights if key.startswith("block_")}):
        x = post_norm_block(x, weights, name, heads, causal=True)
    return x


def loss(weights, batch):
    """Cross-entropy over all items, the mean over what is to be predicted: positives [B, T], or [B] for the newest."""
    vectors, losses = weights["items/table"][1:], []
    for items, positives in zip(batch["items"], batch["positives"], strict=True):
        states = encode(weights, items[items > 0])
        targets = np.atleast_1d(positives)
        targets = targets[targets > 0]
        for state, target in zip(states[len(states) - len(targets) :], targets, strict=True):
            logits = vectors @ state
            losses.append(np.log(np.exp(logits).sum()) - logits[target - 1])
    return np.mean(losses)
