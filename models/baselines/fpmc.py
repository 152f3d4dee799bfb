"""FPMC: factorising personalised Markov chains (Rendle et al., WWW 2010).

| what | paper says | He et al.'s C++ does | here | why |
|---|---|---|---|---|
| score (B16) | <UI_u, IU_j> + the mean over the last basket of <IL_j, LI_l> | the last item alone | the mean over the newest `max_length` items, 1 | AttRec's sequences have one item a basket |
| third interaction | <UL_u, LU_l> is dropped: it ranks nothing | - | - | |
| pairs | S-BPR: j outside the target basket | j other than the target | j other than the target; `exclude` = "train" leaves out what the user did in training | the paper's |
| L2 (B16) | a lambda for each table | one lambda, of the rows of a step | `l2_user` (UI), `l2_item` (IU), `l2_transition` (IL, LI), of the rows in the batch | see bpr_mf.py; RecBole has none |
| optimiser | SGD on bootstrapped examples | SGD, 0.05, users drawn uniformly | each transition once an epoch; the runner's optimiser | |
| initialisation | N(0, sigma^2) | uniform in [0, 1) | N(0, `init`^2) | |
"""  # noqa: E501

import ml_collections

from models.baselines.transition import TransitionModel, inner
from models.layers.windows import aggregate
from tf_utils.keras_gate import tf


class FPMC(TransitionModel):
    """Matrix factorisation plus a factorised Markov chain."""

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
                l2_user=0.003,
                l2_item=0.003,
                l2_transition=0.003,
                init=0.01,
            )
        )

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.users = self.table("users", spec.n_users, config.dim, self.normal())  # UI
        self.user_items = self.table("user_items", spec.n_items, config.dim, self.normal())  # IU
        self.next_items = self.table("next_items", spec.n_items, config.dim, self.normal())  # IL
        self.last_items = self.table("last_items", spec.n_items, config.dim, self.normal())  # LI

    def query(self, user, windows):
        """[B, T, 2 d]: UI_u and the mean LI of the newest items."""
        u = tf.repeat(self.users(user)[:, None, :], tf.shape(windows)[1], axis=1)
        return tf.concat([u, aggregate(self.last_items(windows), windows, "mean")], axis=-1)

    def item_matrix(self):
        """[n_items + 1, 2 d]: IU and IL."""
        return tf.concat([self.user_items.matrix(), self.next_items.matrix()], axis=-1)

    def pair_scores(self, user, windows, items):
        vectors = tf.concat([self.user_items(items), self.next_items(items)], axis=-1)
        return inner(self.query(user, windows), vectors)

    def rows(self, user, windows, positives, negatives):
        config = self.config
        used = [(config.l2_user, self.users(user)), (config.l2_transition, self.last_items(windows))]
        for items in (positives, negatives):
            used += [(config.l2_item, self.user_items(items)), (config.l2_transition, self.next_items(items))]
        return used
