"""FDSA in float64 NumPy, one history without padding at a time (LEDGER B6; Zhang et al., IJCAI 2019)."""

import math

import numpy as np

from tests.oracles.layers_oracle import affine, attention, layer_norm, sasrec_block
from tests.oracles.nova_oracle import gelu

STREAMS = ("item", "feature")


def post_norm_block(x, weights, name, heads, activation):
    """LN(x + attention), LN(x + FFN), causal."""
    attended = attention(x, x, weights, f"{name}/attention", heads)[0]
    x = layer_norm(x + attended, weights, f"{name}/attention_norm", 1e-12)
    inner = affine(x, weights, f"{name}/inner")
    inner = np.maximum(inner, 0) if activation == "relu" else gelu(inner)
    return layer_norm(x + affine(inner, weights, f"{name}/outer"), weights, f"{name}/ffn_norm", 1e-12)


def encode(weights, items, categories, form, heads):
    """items, categories: ids without padding -> [T, d]. form: "paper", "recbole" or "cafe_authors"."""
    states, steps = [], len(items)
    for stream, vectors in zip(
        STREAMS, (weights["items/table"][items], weights["categories/table"][categories]), strict=True
    ):
        if form == "cafe_authors":
            x = vectors * math.sqrt(vectors.shape[1]) + weights[f"{stream}_positions/table"][:steps]
        elif form == "recbole":
            x = layer_norm(vectors + weights["positions/table"][:steps], weights, "norm", 1e-12)
        else:
            x = vectors + weights["positions/table"][-steps:]
        for name in sorted({key.split("/")[0] for key in weights if key.startswith(f"{stream}_block_")}):
            if form == "cafe_authors":
                x = sasrec_block(x, weights, name, heads)
            else:
                x = post_norm_block(x, weights, name, heads, "relu" if form == "paper" else "gelu")
        states.append(layer_norm(x, weights, f"{stream}_norm") if form == "cafe_authors" else x)
    x = affine(np.concatenate(states, axis=1), weights, "joint")
    return layer_norm(x, weights, "norm", 1e-12) if form == "recbole" else x
