"""BERT4Rec: bidirectional Transformer trained to fill in hidden items (Sun et al., CIKM 2019).

| what | paper says | authors' code does | here | why |
|---|---|---|---|---|
| block | post-norm, GELU, dropout | the same, inner width 4 d | the same, `inner` = 256 | LEDGER B2 |
| input | item + learned position | LN and dropout on the sum | as the code; positions anchored at the newest | the code left-aligns a window of fixed length |
| output (eq. 7) | GELU(h W + b) E^T + b | LN after the GELU | as the code | |
| loss | mean over the hidden items of a sequence | mean over the hidden items of a batch | mean over those of the global batch | |
| masks | random, rho of the events; for fine-tuning the last alone | 10 fixed random copies and one with the last hidden | drawn anew each epoch; `last_share` = 1/11 of the rows hide the newest alone | more copies are better, fixed ones are a matter of files |
| training data | without the held-out items | includes the validation item | without | it would leak |
| windows | - | on ML-1M n long, a tenth of n apart | the newest n, or ("sliding") n apart, so that each event is in one | |
| the body that LOCKER is built on (B4) | - | - | variant "locker_body": 4 heads, no projection, no copies with the last alone | LOCKER with no local head, as its authors compare |
| test | a mask behind the history | the same | the same, with the newest n - 1 items before it | |
| optimiser | Adam 1e-4, weight decay, warm-up, linear decay | the same | the runner's; the released defaults are undertrained up to 30 times (Petrov and Macdonald, RecSys 2022) | |
| initialisation | truncated normal, 0.02 | the same | the same | |
"""  # noqa: E501

import ml_collections

from models.base import Recommender
from models.layers.bidirectional import Bidirectional, hidden_columns
from models.layers.embedding import PaddedEmbedding, built
from models.layers.initializers import truncated_normal
from models.layers.norm import LayerNorm
from models.layers.transformer import PostNormBlock
from models.losses import full_cross_entropy
from tf_utils.keras_gate import tf
from tf_utils.masks import valid


class BERT4Rec(Bidirectional, Recommender):
    """Blocks of bidirectional self-attention; what the mask token's state says of the item that stands there.

    encode(positions="all") gives the states of the items as they are, for a look at the maps; "last" puts the mask
    token behind the history.
    """

    regime = "cloze"
    causal = False
    mask_token = True
    shift_invariant_weights = ("key/bias",)  # adds the same to all logits of a query

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=64,
                max_length=200,
                blocks=2,
                heads=2,
                inner=256,
                dropout=0.2,
                attention_dropout=0.2,
                mask_share=0.2,  # rho
                last_share=1 / 11,
                projection=True,
            )
        )

    @staticmethod
    def variants():
        return {"paper": {}, "locker_body": {"heads": 4, "projection": False, "last_share": 0.0}}

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.items = built(PaddedEmbedding(spec.n_items + 1, config.dim, truncated_normal(), name="items"))
        self.add_body(config, self.make_block, **self.body_options())
        self.projection = self.output_norm = None
        if config.projection:
            self.projection = tf.keras.layers.Dense(
                config.dim, activation="gelu", kernel_initializer=truncated_normal(), name="projection"
            )
            self.output_norm = LayerNorm(epsilon=1e-12, name="output_norm")
        self.output_bias = built(PaddedEmbedding(spec.n_items, 1, "zeros", name="output_bias"))

    def body_options(self) -> dict:
        """Further arguments of `Bidirectional.add_body`."""
        return {}

    def make_block(self, name: str) -> tf.keras.layers.Layer:
        """One block of the body."""
        config = self.config
        return PostNormBlock(
            *(config.dim, config.heads, config.inner, config.dropout, config.attention_dropout),
            causal=False,
            initializer=truncated_normal(),
            name=name,
        )

    def encode(self, batch, training=False, positions="all"):
        items, last = batch["items"], positions == "last"
        if last:
            items = self.append(items, self.spec.n_items + 1)
        x, out = self.states(batch, items, last, training)
        x = self.projected(x)
        return tf.concat([x, tf.ones_like(x[..., :1])], axis=-1)[:, :, None, :], out

    def states(self, batch, items, last: bool, training: bool, at: tf.Tensor | None = None):
        """States of `items`, which for `last` end in the mask token, and maps; shapes and `at` as of `contextual`."""
        return self.contextual(self.items(items), items, self.known(items), last, training, at)

    def projected(self, x: tf.Tensor) -> tf.Tensor:
        """What is compared with the item vectors, the shape of the states (eq. 7 up to the product)."""
        return x if self.projection is None else self.output_norm(self.projection(x))

    def known(self, items: tf.Tensor) -> tf.Tensor:
        """bool, the shape of `items`: neither padding nor the mask token."""
        return valid(items) & (items <= self.spec.n_items)

    def append(self, ids: tf.Tensor, token: int) -> tf.Tensor:
        """ids int32 [B, T] with `token` behind them, the newest n."""
        behind = tf.fill([tf.shape(ids)[0], 1], token)
        return tf.concat([ids, behind], axis=1)[:, -self.config.max_length :]

    def item_matrix(self):
        """[n_items + 1, d + 1]: item vectors (the input's) with the output bias as the last column."""
        return tf.concat([self.items.matrix()[:-1], self.output_bias.matrix()], axis=-1)

    def compute_loss(self, batch, training=True):
        return self.packed_loss([batch], training)

    def packed_loss(self, parts, training=True):
        # One product with all items: a slice has few hidden events, and each product reads the whole table.
        states, targets = zip(*(self.hidden(part, training) for part in parts), strict=True)
        queries = self.projected(tf.concat(states, axis=0))
        bias = self.output_bias.table[:, 0]  # none of the mask token, which is no class
        return full_cross_entropy(
            *(queries, self.items.table, tf.concat(targets, axis=0), None, parts[0]["valid_count"], bias)
        )

    def hidden(self, batch, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        """States [R, d] of the hidden events and what they are, int32 [R]."""
        at = hidden_columns(batch["positives"])  # nothing else is asked: the last block runs on these alone
        states, _ = self.states(batch, batch["items"], False, training, at)
        positives = tf.gather(batch["positives"], at, batch_dims=1)
        mask = valid(positives)
        return tf.boolean_mask(states, mask), tf.boolean_mask(positives, mask)

    def feed_options(self):
        return {"share": self.config.mask_share, "last_share": self.config.last_share}
