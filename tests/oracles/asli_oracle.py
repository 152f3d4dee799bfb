"""ASLI in float64 NumPy, one history at a time, from section 3 of the paper and LEDGER A1-A17.

variant "paper": 3.4.1-3.4.5 as printed, with residual + LN in the top block (Fig. 1(b)). variant "official": what the
ledger tells of the released code: inputs times sqrt(d), SASRec's norms, a third feed-forward network, one kernel
for all channels, no residual around the convolution, LN before and after the interaction head.
"""

import math

from tests.oracles.layers_oracle import attention, convolution, feed_forward, layer_norm, log_sigmoid


def encode(weights, history, variant="paper", attention_type="latent_intent", conv="causal"):
    """history: (items, categories, actions), ids without padding, T <= n. Returns (o_p [T, d], o_i [T, d])."""
    official = variant == "official"
    items, categories, actions = (
        weights[f"{name}/table"][ids] for name, ids in zip(("items", "categories", "actions"), history, strict=True)
    )
    if official:
        root = math.sqrt(items.shape[1])
        items, categories, actions = root * items, root * categories, root * actions
    positions = weights["positions/table"]
    s_p = items + positions[len(positions) - len(items) :]  # 3.4.2

    if official:
        query = layer_norm(s_p, weights, "item_norm")
        x = attention(query, s_p, weights, "item_attention")[0] + query
        similarities = feed_forward(layer_norm(x, weights, "item_ffn_norm"), weights, "item_ffn", residual=True)
    else:
        x = attention(s_p, s_p, weights, "item_attention")[0]
        similarities = layer_norm(x + s_p, weights, "item_norm")

    if attention_type == "latent_intent":
        s_i = categories + actions  # 3.1
        intent = convolution(s_i, weights["tcn/kernel"][:, 0], conv)  # 3.4.3
        if not official:
            intent = layer_norm(intent + s_i, weights, "tcn_norm")
    elif attention_type == "self":
        intent = s_p if official else similarities  # A5: the code queries with what block 1 was given
    else:
        intent = {
            "item": items,
            "action": actions,
            "category": categories,
            "action_category": actions + categories,
        }[attention_type]

    # 3.4.4
    query = layer_norm(intent, weights, "intent_norm") if official else intent
    x = attention(query, similarities, weights, "intent_attention")[0] + query
    if official:
        x = feed_forward(layer_norm(x, weights, "ffn_norm"), weights, "intent_ffn", residual=True)
        o_p = layer_norm(x, weights, "out_norm")
        head = feed_forward(layer_norm(intent, weights, "head_norm_in"), weights, "interaction_ffn", residual=True)
        o_i = layer_norm(head, weights, "head_norm_out")
    else:
        o_p = feed_forward(layer_norm(x, weights, "intent_norm"), weights, "intent_ffn")
        o_i = feed_forward(intent, weights, "interaction_ffn")
    return o_p, o_i


def losses(weights, batch, literal=False, **options):
    """(L_ranking, L_interaction) of 3.4.5, each the mean over the batch's valid steps. batch: arrays [B, T]."""
    items, categories, actions = (weights[f"{name}/table"] for name in ("items", "categories", "actions"))
    ranking = interaction = count = 0
    for row in range(len(batch["items"])):
        user = {name: x[row][batch["items"][row] > 0] for name, x in batch.items() if x.ndim == 2}
        o_p, o_i = encode(weights, (user["items"], user["categories"], user["actions"]), **options)
        for t in range(len(o_p)):
            r_p = o_p[t] @ items[user["positives"][t]]
            r_n = o_p[t] @ items[user["negatives"][t]]
            positive = categories[user["positive_categories"][t]] + actions[user["positive_actions"][t]]
            negative = categories[user["negative_categories"][t]] + actions[user["negative_actions"][t]]
            ranking += _pair(r_p, r_n, literal)
            interaction += _pair(o_i[t] @ positive, o_i[t] @ negative, literal)
            count += 1
    return ranking / count, interaction / count


def _pair(positive, negative, literal):
    """-[log s(r) + log(1 - s(r'))]; as printed, -[log s(r) + log s(1 - r')] (A13)."""
    second = log_sigmoid(1.0 - negative) if literal else log_sigmoid(-negative)
    return -(log_sigmoid(positive) + second)
