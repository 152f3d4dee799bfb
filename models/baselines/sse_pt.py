"""SSE-PT: sequential recommendation via personalised Transformer (Wu, Li, Hsieh and Sharpnack, RecSys 2020).

The keep probabilities are those that the authors' README gives for MovieLens-1M (its n 200, dropout 0.2 too); the
paper's own list of them was not at hand.

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| body | SASRec's on [item; user] | SASRec's blocks, LN(query) residual | the same | |
| widths | d_i, d_u | 50 and 50 | `dim` each, 2 dim in the blocks | LEDGER B3 |
| positions | learned, of width d_i + d_u, added to the concatenation | the same | the same, anchored at the newest | |
| scale | - | item and user vectors times their root of d on the input; in the score the user's alone | `scale_inputs`, `scale_targets` = False | the published numbers are the code's |
| score | q . [v; u] | the same | the same: q_u . u is one number for all items of a user, a column of the query that meets 1 | an inner product, to be retrieved with |
| SSE on items | with probability 1 - p_i another item | input and its label both random, and the label before becomes the new input | as code, `keep_item` = 0.9 | |
| SSE on users | with probability 1 - p_u another user | once a sequence | as code, `keep_user` = 0.08 | a keep probability: 92% are replaced |
| loss | BCE, one negative a step | mean over valid steps | the same | |
| negatives | not in the user's sequence | not in the training items, drawn before the user is replaced | the same | |
| in CAFE's Table 2 | - | its authors' own model (LEDGER 0.1): d 128 in all, items scaled in the score too, no SSE, W_O, positions from the oldest event, all matrices and tables from a normal of 0.02; biases and norms untrained (C12); the mask of padding is that of item 0, whose events are blanked | variant "cafe_authors": `scale_targets`, `output_projection`, `positions`, `initializer_range`; biases and norms are trained, padding is masked | slips of their trainer and loader |
"""  # noqa: E501

import ml_collections

from models.base import Recommender
from models.layers.dropout import StatelessDropout
from models.layers.embedding import LearnedPositions, PaddedEmbedding
from models.layers.initializers import truncated_normal
from models.layers.norm import LayerNorm
from models.layers.shared_embeddings import follow_up, random_ids, replaced_ids
from models.layers.transformer import SASRecBlock, run_blocks
from models.losses import binary_cross_entropy
from tf_utils.keras_gate import tf
from tf_utils.masks import valid


class SSEPT(Recommender):
    """Causal self-attention over items that each carry the user's vector; in training ids are replaced at random."""

    shift_invariant_weights = ("key/bias",)  # adds the same to all logits of a query
    float32_scores = True  # the user's part, the same for all items, would take the digits that tell them apart

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=50,  # of an item's vector and of a user's, each
                max_length=200,
                blocks=2,
                heads=1,
                dropout=0.2,
                keep_user=0.08,
                keep_item=0.9,
                scale_inputs=True,
                scale_targets=False,
                output_projection=False,  # W_O
                positions="newest",
                initializer_range=0.0,  # of all matrices, truncated normal; 0: Glorot uniform
            )
        )

    @staticmethod
    def variants():
        cafe = {"keep_user": 1.0, "keep_item": 1.0, "scale_targets": True, "initializer_range": 0.02}
        cafe |= {"output_projection": True, "positions": "oldest"}
        return {"paper": {}, "no_sse": {"keep_user": 1.0, "keep_item": 1.0}, "cafe_authors": {"dim": 64} | cafe}

    def __init__(self, config, spec):
        super().__init__(config, spec)
        width = 2 * config.dim
        self.items = PaddedEmbedding(spec.n_items, config.dim, self._initializer(), name="items")
        self.users = PaddedEmbedding(spec.n_users, config.dim, self._initializer(), name="users")
        self.positions = LearnedPositions(
            config.max_length, width, config.positions, self._initializer(), name="positions"
        )
        self.dropout = StatelessDropout(config.dropout)
        options = {"initializer": self._initializer(), "output_projection": config.output_projection}
        self.blocks = [
            SASRecBlock(width, config.heads, config.dropout, **options, name=f"block_{i}") for i in range(config.blocks)
        ]
        self.norm = LayerNorm(name="norm")

    def encode(self, batch, training=False, positions="all"):
        """Queries [B, T, 1, dim + 1]: q_i, and q_u . u, which every item's last column, 1, is multiplied by."""
        items, mask = batch["items"], valid(batch["items"])
        scale = self.config.dim**0.5 if self.config.scale_inputs else 1.0
        user = (self.users(batch["user"]) * scale)[:, None, :]  # [B, 1, d]
        x = self.items(items) * scale
        x = tf.concat([x, tf.broadcast_to(user, tf.shape(x))], axis=-1)
        x = self.dropout(x + self.positions(items), training=training)
        x *= tf.cast(mask, x.dtype)[..., None]
        x, out = run_blocks(self.blocks, x, mask, positions == "last", training)
        of_item, of_user = tf.split(self._full(self.norm(x)), 2, axis=-1)
        constant = tf.reduce_sum(of_user * self._full(user), axis=-1, keepdims=True)
        return tf.concat([of_item, constant], axis=-1)[:, :, None, :], out

    def item_matrix(self):
        """[n_items + 1, dim + 1]: item vectors and 1."""
        vectors = self._targets(tf.convert_to_tensor(self.items.table))  # not rounded to half precision
        return tf.concat([vectors, tf.ones_like(vectors[:, :1])], axis=-1)

    def compute_loss(self, batch, training=True):
        if training:
            batch = batch | self.replaced(batch)
        queries = self.encode(batch, training=training)[0][:, :, 0]

        def score(ids):
            vectors = self._targets(self._full(self.items(ids)))
            return tf.reduce_sum(queries[..., :-1] * vectors, axis=-1) + queries[..., -1]

        mask = valid(batch["positives"])
        return binary_cross_entropy(score(batch["positives"]), score(batch["negatives"]), mask, batch["valid_count"])

    def replaced(self, batch) -> dict[str, tf.Tensor]:
        """The fields user, items and positives of a batch after stochastic sharing; needs a `step_rng` scope."""
        config, n_items = self.config, self.spec.n_items
        user, _ = replaced_ids(batch["user"], config.keep_user, self.spec.n_users)
        items, chosen = replaced_ids(batch["items"], config.keep_item, n_items)
        positives = batch["positives"]
        if config.keep_item < 1:
            positives = follow_up(items, chosen, positives, random_ids(tf.shape(items), n_items))
        return {"user": user, "items": items, "positives": positives}

    def _targets(self, vectors: tf.Tensor) -> tf.Tensor:
        return vectors * self.config.dim**0.5 if self.config.scale_targets else vectors

    def _full(self, x: tf.Tensor) -> tf.Tensor:
        return tf.cast(x, self.items.table.dtype)

    def _initializer(self):
        if not self.config.initializer_range:
            return tf.keras.initializers.GlorotUniform()
        return truncated_normal(self.config.initializer_range)
