"""BPR-MF: matrix factorisation with Bayesian personalised ranking (Rendle et al., UAI 2009).

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| score | w_u . h_i | MyMediaLite adds an item bias | p_u . q_i + b_i; `bias` = True | popularity need not be learnt by the factors |
| L2 | each step shrinks the parameters of its triple (figure 4) | the same; factors of user, positive, negative, and bias apart | `l2_user`, `l2_item` (positive and negative), `l2_bias`, of the rows in the batch | a penalty on whole tables each step would weigh rare rows hundreds of times heavier |
| optimiser | SGD on bootstrapped triples | SGD | Adam on batches, each training event once an epoch | the runner's |
| negatives | uniform, not in the user's training items | the same | the same, exactly uniform | |
| repeated events | D_S is a set of pairs | a set | each training event is a positive | a no-op where events are distinct |
| initialisation | - | N(0, 0.1) | N(0, `init`^2), init = 0.01 | |
"""  # noqa: E501

import ml_collections

from models.base import Recommender
from models.layers.embedding import PaddedEmbedding, built
from models.layers.initializers import normal
from models.losses import bpr
from tf_utils.keras_gate import tf


class BPRMF(Recommender):
    """User vector times item vector plus item bias; the order and content of the history are not read."""

    regime = "pairwise"

    @staticmethod
    def default_config():
        # l2: the best of 0, 0.001, 0.003, 0.01, 0.03 by validation on JD Appliances.
        return ml_collections.ConfigDict(
            dict(variant="paper", dim=64, bias=True, l2_user=0.003, l2_item=0.003, l2_bias=0.0, init=0.01)
        )

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.users = built(PaddedEmbedding(spec.n_users, config.dim, normal(config.init), name="users"))
        self.items = built(PaddedEmbedding(spec.n_items, config.dim, normal(config.init), name="items"))
        self.tables = [self.users, self.items]
        self.biases = built(PaddedEmbedding(spec.n_items, 1, "zeros", name="biases")) if config.bias else None
        if config.bias:
            self.tables.append(self.biases)

    def encode(self, batch, training=False, positions="all"):
        query = self.users(batch["user"])  # [B, d]
        if self.biases is not None:
            query = tf.concat([query, tf.ones_like(query[:, :1])], axis=-1)
        query = query[:, None, None, :]
        if positions == "all":
            query = tf.repeat(query, tf.shape(batch["items"])[1], axis=1)
        return query, {}

    def item_matrix(self):
        """[n_items + 1, d + 1]: item vectors with the bias as the last column (without bias: [n_items + 1, d])."""
        if self.biases is None:
            return self.items.matrix()
        return tf.concat([self.items.matrix(), self.biases.matrix()], axis=-1)

    def compute_loss(self, batch, training=True):
        p, q, r = self.users(batch["user"]), self.items(batch["positives"]), self.items(batch["negatives"])
        positive, negative = tf.reduce_sum(p * q, axis=-1), tf.reduce_sum(p * r, axis=-1)
        square = lambda x: tf.reduce_sum(tf.square(tf.cast(x, self.users.table.dtype)))  # noqa: E731
        config = self.config
        penalty = config.l2_user * square(p) + config.l2_item * (square(q) + square(r))
        if self.biases is not None:
            b, c = self.biases(batch["positives"])[:, 0], self.biases(batch["negatives"])[:, 0]
            positive, negative = positive + b, negative + c
            penalty += config.l2_bias * (square(b) + square(c))
        loss = bpr(positive, negative, tf.ones_like(positive, tf.bool), batch["valid_count"])
        # Half the squares, so that a weight l2 moves a parameter by l2 times itself, as LearnBPR's step does.
        return loss + 0.5 * tf.cast(penalty / tf.cast(batch["valid_count"], penalty.dtype), loss.dtype)
