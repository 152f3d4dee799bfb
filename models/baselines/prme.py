"""PRME: personalised ranking metric embedding (Feng et al., IJCAI 2015).

| what | paper says | He et al.'s C++ does | here | why |
|---|---|---|---|---|
| distance (B18) | alpha ||P_u - P_j||^2 + (1 - alpha) ||S_last - S_j||^2 | the same | the same; `alpha` = 0.2 | the paper's best |
| time gap | longer than tau: the preference part alone | none | none | AttRec's PRME has none; its data have no usable gaps |
| tables | a preference and a sequential space | users, two item tables | the same | |
| pairs | BPR on -D, j any other place | j other than the target | j other than the target; `exclude` = "train" leaves out what the user did in training | the paper's |
| L2 | lambda ||Theta||^2 | one lambda, of the rows of a step | `l2_user`, `l2_item` (both item tables), of the rows in the batch | see bpr_mf.py |
| optimiser | SGD | SGD, 0.05, the 2 of the square's derivative left out | the runner's | |
| initialisation | N(0, 0.01) | uniform in [0, 1) | N(0, `init`^2), init = 0.1 | N(0, 0.01) read as a variance |
"""  # noqa: E501

import ml_collections

from models.baselines.transition import TransitionModel
from models.layers.distance import square
from tf_utils.keras_gate import tf
from tf_utils.masks import valid


class PRME(TransitionModel):
    """Points of users and items in a preference space, and of items in a space of transitions; near is good.

    Only the newest item is read, whatever `max_length` is. Where there is none, the preference part alone counts.
    """

    float32_scores = True

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
                alpha=0.2,
                l2_user=0.003,
                l2_item=0.003,
                init=0.1,
            )
        )

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.users = self.table("users", spec.n_users, config.dim, self.normal())  # P
        self.preference_items = self.table("preference_items", spec.n_items, config.dim, self.normal())  # P
        self.sequence_items = self.table("sequence_items", spec.n_items, config.dim, self.normal())  # S

    def query(self, user, windows):
        """[B, T, 2 d + 3]: with `item_matrix` the inner product is -D = 2 q.v - |v|^2 - |q|^2, part by part."""
        last = windows[..., -1]
        p, s = self.users(user), self.sequence_items(last)
        p = tf.repeat(p[:, None, :], tf.shape(last)[1], axis=1)
        near = self.config.alpha * tf.ones_like(p[..., :1])
        follows = (1 - self.config.alpha) * tf.cast(valid(last), s.dtype)[..., None]
        own = near * square(p) + follows * square(s)
        return tf.concat([2 * near * p, 2 * follows * s, -near, -follows, -own], axis=-1)

    def item_matrix(self):
        """[n_items + 1, 2 d + 3]: P_j, S_j, their squared lengths, and 1."""
        p, s = self.preference_items.matrix(), self.sequence_items.matrix()
        return tf.concat([p, s, square(p), square(s), tf.ones_like(p[:, :1])], axis=-1)

    def pair_scores(self, user, windows, items):
        last = windows[..., -1]  # [B, 1]
        preference = square(self.users(user)[:, None, :] - self.preference_items(items))[..., 0]
        sequence = square(self.sequence_items(last) - self.sequence_items(items))[..., 0]
        follows = (1 - self.config.alpha) * tf.cast(valid(last), sequence.dtype)
        return -(self.config.alpha * preference + follows * sequence)

    def rows(self, user, windows, positives, negatives):
        config = self.config
        used = [(config.l2_user, self.users(user)), (config.l2_item, self.sequence_items(windows[..., -1]))]
        for items in (positives, negatives):
            used += [(config.l2_item, table(items)) for table in (self.preference_items, self.sequence_items)]
        return used
