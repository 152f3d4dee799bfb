"""The feed-forward network and the attention block of SASRec."""

from models.layers.attention import MaskedAttention, fresh
from models.layers.dropout import StatelessDropout
from models.layers.initializers import truncated_normal
from models.layers.norm import LayerNorm
from tf_utils.keras_gate import tf


class PointwiseFeedForward(tf.keras.layers.Layer):
    """FFN(x) = W2 ReLU(W1 x + b1) + b2, applied at each step alone, with dropout after each of the two products.

    Args:
        dim: d, the width of input and output.
        inner: width in between (default d, as ASLI and SASRec have it).
        dropout: rate.
        residual: adds the input to the result.
        initializer: of the two matrices.

    Reference: ASLI section 3.2.3; SASRec section III-B.
    """

    def __init__(
        self,
        dim: int,
        inner: int | None = None,
        dropout: float = 0.0,
        residual: bool = False,
        initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.residual = residual
        dense = lambda units, **options: tf.keras.layers.Dense(units, kernel_initializer=fresh(initializer), **options)  # noqa: E731
        self.inner = dense(inner or dim, activation="relu", name="inner")
        self.outer = dense(dim, name="outer")
        self.inner_dropout, self.outer_dropout = StatelessDropout(dropout), StatelessDropout(dropout)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """inputs: [..., d]. Returns [..., d]."""
        x = self.inner_dropout(self.inner(inputs), training=training)
        x = self.outer_dropout(self.outer(x), training=training)
        return x + inputs if self.residual else x


class SASRecBlock(tf.keras.layers.Layer):
    """LN on the queries only; attention plus the normalised queries; LN; feed-forward with residual; padding to zero.

    Args:
        dim, heads, dropout, initializer, output_projection: as in `MaskedAttention`; the feed-forward network has the
            same dropout and initialiser.
        attention: a layer that is called as `MaskedAttention` is and returns (result, ...), to take its place; `heads`
            and `output_projection` do not count then.

    Reference: SASRec section III-B; the released code normalises the query stream only and adds it back normalised.
    """

    def __init__(
        self,
        dim: int,
        heads: int = 1,
        dropout: float = 0.0,
        attention=None,
        initializer="glorot_uniform",
        output_projection: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.query_norm, self.ffn_norm = LayerNorm(name="query_norm"), LayerNorm(name="ffn_norm")
        options = {"output_projection": output_projection, "dropout": dropout, "initializer": initializer}
        self.attention = attention or MaskedAttention(dim, heads, **options, name="attention")
        self.ffn = PointwiseFeedForward(dim, dropout=dropout, residual=True, initializer=initializer, name="ffn")

    def call(self, queries: tf.Tensor, keys: tf.Tensor, mask: tf.Tensor, training: bool = False):
        """Runs the block.

        Args:
            queries: [B, Q, d], Q = T or 1 (the newest position only).
            keys: [B, T, d]; the same as `queries` for plain self-attention.
            mask: bool [B, T], True for valid cells.

        Returns:
            (output [B, Q, d], attention weights [B, heads, Q, T]), and whatever else the attention returns
        """
        normed = self.query_norm(queries)
        attended, *rest = self.attention(normed, keys, mask, training=training)
        x = self.ffn(self.ffn_norm(attended + normed), training=training)
        query_mask = mask[:, tf.shape(mask)[1] - tf.shape(queries)[1] :]
        return x * tf.cast(query_mask, x.dtype)[..., None], *rest


class PostNormBlock(tf.keras.layers.Layer):
    """LN(x + attention), then LN(x + FFN): the block of BERT, and of RecBole's SASRec, BERT4Rec and FDSA.

    Args:
        dim: d.
        heads: number of heads.
        inner: width of the feed-forward network.
        dropout: rate after attention and feed-forward.
        attention_dropout: rate on the attention weights.
        causal: whether later keys are hidden.
        activation: of the feed-forward network.
        epsilon: of the layer normalisations.
        initializer: of all matrices.
        attention: a layer that is called as `MaskedAttention` is and returns (result, ...), to take its place; `heads`,
            `attention_dropout` and `causal` do not count then.

    Reference: Devlin et al., NAACL 2019; Sun et al., CIKM 2019, section 3.3.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        inner: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        causal: bool = True,
        activation="gelu",
        epsilon: float = 1e-12,
        initializer=None,
        attention=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        initializer = initializer or truncated_normal()
        self.attention = attention or MaskedAttention(
            dim,
            heads,
            causal,
            output_projection=True,
            dropout=attention_dropout,
            initializer=initializer,
            name="attention",
        )
        self.inner = tf.keras.layers.Dense(
            inner, activation=activation, kernel_initializer=fresh(initializer), name="inner"
        )
        self.outer = tf.keras.layers.Dense(dim, kernel_initializer=fresh(initializer), name="outer")
        self.attention_norm = LayerNorm(epsilon=epsilon, name="attention_norm")
        self.ffn_norm = LayerNorm(epsilon=epsilon, name="ffn_norm")
        self.dropouts = StatelessDropout(dropout), StatelessDropout(dropout)

    def call(self, queries: tf.Tensor, keys: tf.Tensor, mask: tf.Tensor, training: bool = False, **context):
        """queries: [B, Q, d], Q = T or 1.  keys: [B, T, d].  mask: bool [B, T].  context: for the attention alone.

        Returns:
            (output [B, Q, d], attention weights [B, heads, Q, T]), and whatever else the attention returns
        """
        attended, *rest = self.attention(queries, keys, mask, training=training, **context)
        return self.after_attention(queries, attended, training), *rest

    def after_attention(self, x: tf.Tensor, attended: tf.Tensor, training: bool) -> tf.Tensor:
        """x: what is added to the attention's result, [B, Q, d] both.  Returns [B, Q, d]."""
        x = self.attention_norm(x + self.dropouts[0](attended, training=training))
        return self.ffn_norm(x + self.dropouts[1](self.outer(self.inner(x)), training=training))


def asked(x: tf.Tensor, last: bool, at: tf.Tensor | None = None) -> tf.Tensor:
    """Of x [B, T, ...] the newest cell [B, 1, ...] for `last`, or the columns `at` int32 [B, Q], or all."""
    if last:
        return x[:, -1:]
    return x if at is None else tf.gather(x, at, batch_dims=1)


def run_blocks(
    blocks: list,
    x: tf.Tensor,
    mask: tf.Tensor,
    last: bool,
    training: bool,
    name: str = "block",
    at: tf.Tensor | None = None,
    **context,
):
    """One block after the other; the last one answers only the queries that are asked.

    Args:
        blocks: layers that are called as `SASRecBlock` is and return (output, map), or (output, map, local mask).
        x: [B, T, d].
        mask: bool [B, T], True for valid cells.
        last: the newest position alone is wanted.
        training: dropout on.
        name: of the blocks in what is returned.
        at: int32 [B, Q], the columns that are wanted, for blocks that take any queries; None: all.
        context: further arguments of every block.

    Returns:
        (output [B, T, d], [B, 1, d] for `last`, [B, Q, d] with `at`;
        {"<name>_<i>_attention", "<name>_<i>_local_mask": [B, heads, Q, T]})
    """
    out = {}
    for i, block in enumerate(blocks):
        queries = asked(x, last, at) if i == len(blocks) - 1 else x
        x, *maps = block(queries, x, mask, training=training, **context)
        out |= {f"{name}_{i}_{what}": found for what, found in zip(("attention", "local_mask"), maps, strict=False)}
    return x, out
