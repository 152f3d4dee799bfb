"""TransRec: translation-based recommendation (He, Kang and McAuley, RecSys 2017).

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| score (B19) | beta_j - d(h_last + T + t_u, h_j) | -(beta_j + d) | the paper's | the sign of beta_j is free |
| distance | L1 or squared L2 | one program each | `distance` = "squared_l2"; "l1" is no inner product | RecBole's is L2 without the square |
| item vectors | in the unit ball, rescaled after every update | the three of the step | the whole table after every update | vectors inside stay as they are |
| T, t_u | T a unit vector at first, t_u zero | the same, neither held in the ball | the same | |
| item vectors at first | unit vectors | uniform, then rescaled to length 1 | a random direction, length 1 | |
| pairs | BPR, j outside the user's items | the same | `exclude` = "train" | |
| L2 | lambda ||Theta||^2 | lambda (h, T), relation_reg (t_u), bias_reg (beta) | `l2_item` (h), `l2_user` (t_u), `l2_bias`, of the rows in the batch; `l2_global` (T), once a target | see bpr_mf.py; RecBole's L2 is of detached tensors and does nothing |
| optimiser | SGD | SGD, 0.05, users drawn uniformly | the runner's, each transition once an epoch | |
"""  # noqa: E501

import ml_collections

from models.baselines.transition import TransitionModel
from models.layers.distance import square
from models.layers.embedding import UnitBall
from tf_utils.keras_gate import tf
from tf_utils.masks import valid


class UnitRows(tf.keras.initializers.Initializer):
    """Rows of length 1, their directions uniform."""

    def __call__(self, shape, dtype=None, **kwargs):
        return tf.math.l2_normalize(tf.keras.initializers.RandomNormal()(shape, dtype), axis=-1)


class TransRec(TransitionModel):
    """The user is a translation that leads from the last item to the next.

    Only the newest item is read, whatever `max_length` is. Where there is none, beta_j alone counts: a translation
    needs a start.
    """

    float32_scores = True
    choices = TransitionModel.choices | {"distance": ("squared_l2", "l1")}

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=100,
                max_length=1,
                targets=1,
                negatives=1,
                exclude="train",
                distance="squared_l2",
                l2_user=0.003,
                l2_item=0.0,
                l2_bias=0.0,
                l2_global=0.0,
            )
        )

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.items = self.table("items", spec.n_items, config.dim, UnitRows(), UnitBall())  # h
        self.users = self.table("users", spec.n_users, config.dim, "zeros")  # t
        self.translation = self.table("translation", 1, config.dim, UnitRows())  # T, row 1
        self.biases = self.table("biases", spec.n_items, 1, "zeros")  # beta

    def query(self, user, windows):
        """[B, T, d + 3] for squared L2: with `item_matrix` the inner product is beta_j + 2 q.h - |h|^2 - |q|^2.
        [B, T, d + 1] for L1: the point T + t_u + h_last, and whether there is a last item."""
        last = windows[..., -1]
        point = self._point(user, last)
        starts = tf.cast(valid(last), point.dtype)[..., None]
        if self.config.distance == "l1":
            return tf.concat([point, starts], axis=-1)
        own = starts * square(point)
        return tf.concat([2 * starts * point, -starts, tf.ones_like(own), -own], axis=-1)

    def _point(self, user, last):
        """T + t_u + h_last: user int32 [B], last int32 [B, T] -> [B, T, d]."""
        translation = self.translation(tf.ones([1, 1], tf.int32)) + self.users(user)[:, None, :]
        return translation + self.items(last)

    def item_matrix(self):
        """[n_items + 1, d + 3]: h_j, its squared length, beta_j, and 1. Raises NotImplementedError for L1."""
        if self.config.distance == "l1":
            raise NotImplementedError("an L1 distance is no inner product; use score or score_all")
        h = self.items.matrix()
        return tf.concat([h, square(h), self.biases.matrix(), tf.ones_like(h[:, :1])], axis=-1)

    def score(self, queries, candidates):
        if self.config.distance != "l1":
            return super().score(queries, candidates)
        return self.biases(candidates)[..., 0] - self._l1(queries[:, 0], self.items(candidates))

    def score_all(self, queries):
        if self.config.distance != "l1":
            return super().score_all(queries)
        items = self.items.matrix()
        # A user at a time: [B, n_items + 1, d] would not fit.
        return self.biases.matrix()[:, 0] - tf.map_fn(lambda q: self._l1(q, items), queries[:, 0, 0][:, None])

    def _l1(self, queries, vectors):
        """queries: [..., 1, d + 1].  vectors: [..., C, d].  Returns [..., C]."""
        return queries[..., -1] * tf.reduce_sum(tf.abs(queries[..., :-1] - vectors), axis=-1)

    def retrieval_factors(self):
        return None if self.config.distance == "l1" else super().retrieval_factors()

    def pair_scores(self, user, windows, items):
        last = windows[..., -1]  # [B, 1]
        step = self._point(user, last) - self.items(items)  # [B, C, d]
        distance = tf.reduce_sum(tf.abs(step) if self.config.distance == "l1" else tf.square(step), axis=-1)
        return self.biases(items)[..., 0] - tf.cast(valid(last), distance.dtype) * distance

    def rows(self, user, windows, positives, negatives):
        config, last = self.config, windows[..., -1]
        used = [(config.l2_user, self.users(user)), (config.l2_item, self.items(last))]
        for items in (positives, negatives):
            used += [(config.l2_item, self.items(items)), (config.l2_bias, self.biases(items))]
        return [*used, (config.l2_global, self.translation(tf.cast(valid(positives), tf.int32)))]
