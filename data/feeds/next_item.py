"""Next item at every position of a window (SASRec, ASLI)."""

from __future__ import annotations

import numpy as np

from data.negatives import ComplementSampler, OtherSampler, item_sampler
from data.pipeline import Batch, Feed, Store, epoch_rows, step_seed
from data.splits import Split
from data.windows import training_windows
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf

EXCLUDE = ("train", "targets", "target")


def next_item_feed(
    split: Split,
    length: int,
    batch_size: int,
    seed: int,
    windows: str = "last",
    exclude: str = "train",
    interaction_negatives: str = "none",
) -> Feed:
    """Inputs at each position, with the next event and one negative as targets.

    Fields beside the history: positives, positive_categories, positive_actions, negatives [B, T] int32, and with
    interaction negatives negative_categories, negative_actions (not with "category") [B, T]. T is the longest window of
    the batch, at most `length`; rows are sorted by the length of their window, shortest first (packing:
    tf_utils/training.py).

    Args:
        split: the data; only training events are used.
        length: n, the longest input.
        batch_size: rows of the global batch.
        seed: of order and negatives.
        windows: see `training_windows`.
        exclude: item negatives are drawn from outside what the user did in training ("train"), the targets of the
            batch's window alone ("targets") or the positive of the same cell alone ("target"). Held-out items are never
            excluded: that would leak them.
        interaction_negatives: "none"; "pair": uniform over (category, action) pairs that the user did not do in
            training (ASLI section 3.4.5, LEDGER A16); "code": a category the user did not touch, and independently an
            action other than the positive's, as ASLI's released code draws them; "category": a category that the user
            did not touch in training (CAFE eq. 9).
    """
    seq = split.sequences
    users, first, end = training_windows(split, length, windows)
    if not len(users):
        raise UserError(f"{seq.provenance.name}: no user has two training events; check the filters and the split")
    n_users, n_categories, n_actions = seq.size("user"), max(seq.size("category"), 1), seq.size("action")

    items, rows = item_sampler(split, exclude, EXCLUDE, users, first + 1, end)
    in_training = split.train_mask()
    done = {"user": seq.users_of_events()[in_training]}
    done |= {name: getattr(seq, name)[in_training].astype(np.int64) for name in ("categories", "actions")}
    known = done["categories"] > 0
    if interaction_negatives == "pair":
        pair = (done["categories"] - 1) * n_actions + done["actions"]  # 1..C*A
        pairs = ComplementSampler(done["user"][known], pair[known], n_users, n_categories * n_actions)
    elif interaction_negatives in ("code", "category"):
        categories = ComplementSampler(done["user"][known], done["categories"][known], n_users, n_categories)
    elif interaction_negatives != "none":
        raise UserError(
            f'interaction_negatives must be "none", "pair", "code" or "category", got {interaction_negatives!r}'
        )
    if interaction_negatives == "code":
        actions = OtherSampler(n_actions)

    store = Store(seq)
    order = {"user": users, "row": rows, "first": first, "end": end}
    table = {name: tf.constant(x) for name, x in order.items()}

    def batch(step: tf.Tensor) -> Batch:
        chosen = epoch_rows(step, batch_size, len(users), seed)
        lengths = tf.gather(table["end"], chosen) - tf.gather(table["first"], chosen) - 1
        chosen = tf.gather(chosen, tf.argsort(lengths, stable=True))
        user, row, lo, hi = (tf.gather(table[name], chosen) for name in ("user", "row", "first", "end"))
        events = store.window(lo, hi, tf.reduce_max(lengths) + 1)  # inputs and targets are one step apart
        fields = {"user": user} | {name: x[:, :-1] for name, x in events.items()}
        is_target = fields["items"] > 0
        masked = lambda x: tf.where(is_target, x, 0)  # noqa: E731
        target = {name: masked(x[:, 1:]) for name, x in events.items()}
        fields |= {"positives": target["items"]}
        fields |= {"positive_categories": target["categories"], "positive_actions": target["actions"]}
        fields["negatives"] = masked(items(row, target["items"], step_seed(seed, step, 0)))
        if interaction_negatives == "pair":
            positive = (tf.maximum(target["categories"], 1) - 1) * n_actions + target["actions"]
            drawn = pairs(user, positive, step_seed(seed, step, 1)) - 1
            fields["negative_categories"] = masked(drawn // n_actions + 1)
            fields["negative_actions"] = masked(drawn % n_actions + 1)
        elif interaction_negatives in ("code", "category"):
            drawn = categories(user, target["categories"], step_seed(seed, step, 1))
            fields["negative_categories"] = masked(drawn)
        if interaction_negatives == "code":
            fields["negative_actions"] = masked(actions(user, target["actions"], step_seed(seed, step, 2)))
        fields["valid_count"] = tf.reduce_sum(tf.cast(is_target, tf.float32))
        return fields

    return Feed(batch, -(-len(users) // batch_size), len(users), int(np.sum(end - first - 1)), packable=True)
