"""HRM: hierarchical representation model, with average pooling (Wang et al., SIGIR 2015).

| what | paper says | He et al.'s C++ does | here | why |
|---|---|---|---|---|
| pooling (B17) | max or average in either layer | average: the *sum* of user and last item; or max | average in both layers, over what is there | AttRec: "the average aggregation is adopted" |
| last transaction | a basket | the last item | the newest `max_length` items, 1 | one item a basket; RecBole takes the last 2, and its average divides the whole history's sum by at most 2 (a bug) |
| item vectors | one table for both roles | the same | the same | |
| objective | log s(x_i) + k E[log s(-x_j)] | BPR with one negative | `loss` = "negative_sampling" with `negatives` = k; variant "bpr" | the paper's; AttRec's row was made with the C++ |
| noise | a noise distribution over items | uniform, j other than the target | uniform, j other than the target; `exclude` = "train" leaves out what the user did in training | the suite's negatives are uniform |
| L2 | lambda ||Theta||^2 | one lambda, of the rows of a step | `l2_user`, `l2_item`, of the rows in the batch | see bpr_mf.py |
| optimiser | SGD | SGD, 0.05 | the runner's | |
| initialisation | - | uniform in [-1/d, 1/d] | N(0, `init`^2) | |
"""  # noqa: E501

import ml_collections

from models.baselines.transition import TransitionModel, inner
from models.layers.windows import aggregate
from models.losses import binary_cross_entropy
from tf_utils.keras_gate import tf
from tf_utils.masks import valid


class HRM(TransitionModel):
    """The mean of the user's vector and of the last transaction's mean item vector, against the item's vector."""

    choices = TransitionModel.choices | {"loss": ("negative_sampling", "bpr")}

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=100,
                max_length=1,
                targets=1,
                negatives=1,
                exclude="targets",
                loss="negative_sampling",
                l2_user=0.003,
                l2_item=0.003,
                init=0.01,
            )
        )

    @staticmethod
    def variants():
        return {"paper": {}, "bpr": {"loss": "bpr"}}

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.users = self.table("users", spec.n_users, config.dim, self.normal())
        self.items = self.table("items", spec.n_items, config.dim, self.normal())

    def query(self, user, windows):
        """[B, T, d]: the user's vector alone where there is no item yet."""
        transaction = aggregate(self.items(windows), windows, "mean")  # first layer
        parts = 1 + tf.cast(tf.reduce_any(valid(windows), axis=-1), transaction.dtype)
        return (self.users(user)[:, None, :] + transaction) / parts[..., None]  # second layer

    def item_matrix(self):
        return self.items.matrix()

    def pair_scores(self, user, windows, items):
        return inner(self.query(user, windows), self.items(items))

    def data_loss(self, positive, negative, mask, count):
        if self.config.loss == "bpr":
            return super().data_loss(positive, negative, mask, count)
        return binary_cross_entropy(positive, negative, mask, count)

    def rows(self, user, windows, positives, negatives):
        used = [(self.config.l2_item, self.items(ids)) for ids in (windows, positives, negatives)]
        return [(self.config.l2_user, self.users(user)), *used]
