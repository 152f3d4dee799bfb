"""NextItNet, called NextItRec in ASLI: a generative dilated convolutional network (Yuan et al., WSDM 2019).

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| padding cells | - | embedded, convolved, and trained as class 0 | zeros, not trained; `padding` = "masked" | results must not depend on the amount of padding; the code's way: "trained" |
| first item of a history | predicted from nothing | predicted from the padding before it | not a target (masked), as code (trained) | follows from the line above |
| ReLU before the output layer | not mentioned | with full softmax yes, with sampled softmax no | `final_relu` = False | the paper's form |
| dilations | 1, 2, 4, ... doubled, the block repeated | 1, 2 or 1, 4 (of a block's first convolution) | 1, 2, 1, 2, 1, 2 | LEDGER B10 |
| output table | separate, with bias | separate, with bias | separate, with bias (a column of `item_matrix`) | |
| loss | softmax at every step, sampled if large | full, or sampled with 20% of the items | `loss` = "full" or "sampled" | |
| sampler of the latter | - | log-uniform over arbitrary ids | `sampler` = "uniform", without replacement | ids here carry no popularity order |
| pool of the latter | - | one a batch | one for each slice of a batch (length group, replica) | the gradient stays unbiased with respect to the pool |
| initialisation | - | truncated normal, 0.02, all convolutions from one seed | truncated normal, 0.02, each its own draw | equal kernels are an accident of the code |
| prefixes as extra training data | yes, for long sessions | off by default | no; `train.windows` = "sliding" covers long histories | every position is a target already |
"""  # noqa: E501

import math

import ml_collections

from models.base import Recommender
from models.layers.dilated import NextItNetBlock
from models.layers.embedding import PaddedEmbedding, built
from models.layers.initializers import truncated_normal
from models.losses import full_cross_entropy, pool_cross_entropy
from tf_utils.keras_gate import tf
from tf_utils.masks import valid
from tf_utils.rng import draw_seed


class NextItNet(Recommender):
    """Residual blocks of two causal dilated convolutions each, and a softmax over the items at every step.

    With `padding` = "trained" (variant "official"), padding is an item like any other, with a vector and a class, and
    training histories are padded to `max_length`: the instance is not padding_invariant. Its loss is the code's sum
    over all cells, divided by the number of valid targets instead of all cells (Adam does not see the difference).
    """

    choices = {"padding": ("masked", "trained"), "loss": ("full", "sampled"), "sampler": ("uniform", "log_uniform")}

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=64,
                max_length=200,
                kernel_size=3,
                dilations=(1, 2, 1, 2, 1, 2),
                padding="masked",
                final_relu=False,
                loss="full",
                sampled_share=0.2,
                sampler="uniform",
            )
        )

    @staticmethod
    def variants():
        return {
            "paper": {},
            "sampled": {"loss": "sampled"},
            "official": {"padding": "trained", "final_relu": True, "dilations": (1, 2)},
        }

    def __init__(self, config, spec):
        super().__init__(config, spec)
        if not config.dilations:
            raise ValueError("nextitnet: dilations must name at least one block, e.g. (1, 2)")
        self.padding_invariant = config.padding == "masked"
        self.items = built(PaddedEmbedding(spec.n_items, config.dim, truncated_normal(), name="items"))
        self.blocks = [
            NextItNetBlock(config.dim, config.kernel_size, r, truncated_normal, name=f"block_{i}")
            for i, r in enumerate(config.dilations)
        ]
        self.output_table = built(PaddedEmbedding(spec.n_items, config.dim, truncated_normal(), name="output"))
        self.output_bias = built(PaddedEmbedding(spec.n_items, 1, "zeros", name="output_bias"))

    def encode(self, batch, training=False, positions="all"):
        items = batch["items"]
        if positions == "last":  # nothing older can reach the newest cell
            items = items[:, -(1 + sum(block.reach for block in self.blocks)) :]
        if self.padding_invariant:
            mask, x = valid(items), self.items(items)  # [B, T, d]
        else:
            mask, x = None, tf.cast(tf.gather(self.items.table, items), self.compute_dtype)
        for block in self.blocks:
            x = block(x, mask)
        if positions == "last":
            x = x[:, -1:]
        if self.config.final_relu:
            x = tf.nn.relu(x)
        return tf.concat([x, tf.ones_like(x[..., :1])], axis=-1)[:, :, None, :], {}

    def item_matrix(self):
        """[n_items + 1, d + 1]: output vectors with the bias as the last column."""
        if self.padding_invariant:
            return tf.concat([self.output_table.matrix(), self.output_bias.matrix()], axis=-1)
        return tf.cast(tf.concat([self.output_table.table, self.output_bias.table], axis=-1), self.compute_dtype)

    def compute_loss(self, batch, training=True):
        count = batch["valid_count"]
        if self.padding_invariant:
            targets, mask = batch["positives"], valid(batch["positives"])
        else:
            # Every cell counts. The target of the last padding cell is the first item, unless the window is full.
            missing = tf.maximum(self.config.max_length - tf.shape(batch["items"])[1], 0)
            items = tf.pad(batch["items"], [[0, 0], [missing, 0]])
            targets = tf.concat([items[:, 1:], batch["positives"][:, -1:]], axis=1)
            batch, mask = {"items": items}, tf.ones_like(items, tf.bool)
        queries = self.encode(batch, training=training)[0][:, :, 0]
        if self.config.loss == "sampled":
            return self._sampled_loss(queries, targets, mask, count, training)
        table, bias = self.output_table.table, self.output_bias.table[:, 0]
        first = int(self.padding_invariant)  # without masking, padding is a class
        return full_cross_entropy(queries[..., :-1], table, targets, mask, count, bias, first)

    def _sampled_loss(self, queries, targets, mask, count, training):
        """Softmax cross-entropy over the target and a pool of items, corrected for the pool's odds.

        Reference: Jean et al., ACL 2015, eq. 9 and 10; a target in the pool counts once. Outside training the
        pool is that of a fixed seed, so that no random stream is needed.
        """
        seed = draw_seed() if training else tf.zeros([2], tf.int32)
        n, first = self.spec.n_items, int(self.padding_invariant)  # without masking, class 0 can be drawn
        size = max(1, round(self.config.sampled_share * n))
        drawn, expected = draw_pool(self.config.sampler, size, n + 1 - first, seed)
        table, bias = self.output_table.table, self.output_bias.table[:, 0]
        rows = tf.cast(tf.boolean_mask(queries[..., :-1], mask), table.dtype)  # [L, d], in float32 at least
        labels = tf.cast(tf.boolean_mask(targets, mask), tf.int64)
        log_count = lambda ids: tf.math.log(tf.cast(expected(ids - first), table.dtype))  # noqa: E731
        own = tf.reduce_sum(rows * tf.gather(table, labels), axis=-1) + tf.gather(bias, labels) - log_count(labels)
        drawn += first
        others = tf.matmul(rows, tf.gather(table, drawn), transpose_b=True) + tf.gather(bias, drawn) - log_count(drawn)
        # tf.nn.sampled_softmax_loss leaves out but one of several equal hits of the target.
        return pool_cross_entropy(own, others, labels[:, None] == drawn, count)


def draw_pool(sampler: str, size: int, classes: int, seed: tf.Tensor):
    """A pool of `size` classes out of 0..classes - 1.

    Args:
        sampler: "uniform": distinct ones, all equally likely; "log_uniform": with replacement, class k with probability
            log((k + 2) / (k + 1)) / log(classes + 1).
        size: at most `classes`.
        classes: number of classes.
        seed: int32 [2].

    Returns:
        (int64 [size], function of int64 class ids -> float32 expected number of times that each is in the pool)
    """
    if sampler == "uniform":
        drawn = tf.random.experimental.index_shuffle(tf.range(size, dtype=tf.int64), seed, max_index=classes - 1)
        return drawn, lambda ids: tf.fill(tf.shape(ids), size / classes)
    log_all = math.log(classes + 1)
    u = tf.random.stateless_uniform([size], seed)
    drawn = tf.cast(tf.exp(u * log_all), tf.int64) - 1
    drawn = tf.clip_by_value(drawn, 0, classes - 1)  # exp may round up to classes + 1
    return drawn, lambda ids: size * tf.math.log1p(1.0 / (tf.cast(ids, tf.float32) + 1.0)) / log_all
