"""Attention that side information steers but does not enter: queries and keys see it, values do not."""

from models.layers.attention import MaskedAttention, fresh
from models.layers.transformer import PostNormBlock, SASRecBlock, asked
from tf_utils.keras_gate import tf

FUSORS = ("add", "concat", "gating")


class NonInvasiveAttention(MaskedAttention):
    """softmax(Q K^T / s) V where Q and K come from one stream and V from another.

    Args: as in `MaskedAttention`.

    Reference: NOVA (Liu et al., AAAI 2021), "non-invasive self-attention".
    """

    def call(self, queries: tf.Tensor, keys: tuple[tf.Tensor, tf.Tensor], key_mask: tf.Tensor, training: bool = False):
        """Attends.

        Args:
            queries: [B, Q, d].
            keys: what the keys and what the values are made of, [B, K, d] twice.
            key_mask: bool [B, K], True for valid keys.

        Returns:
            (result [B, Q, d], weights [B, heads, Q, K])
        """
        fused, items = keys
        q, k, v = self._split(self.query(queries)), self._split(self.key(fused)), self._split(self.value(items))
        result, weights = self._attended(q * self.scale, k, v, key_mask, training)
        return self._joined(result, queries), weights


class Fusor(tf.keras.layers.Layer):
    """Makes one vector of several f_1..f_m.

    Args:
        kind: "add": their sum; "concat": W [f_1; ..; f_m] + b; "gating": sum of g_i f_i, g = softmax over i of w . f_i.
        dim: d.
        initializer: of W and w.

    Reference: NOVA (Liu et al., AAAI 2021), fusion functions; sigma of the gate read as the softmax over the parts.
    """

    def __init__(self, kind: str, dim: int, initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        if kind not in FUSORS:
            raise ValueError(f"fusor must be one of {', '.join(FUSORS)}, got {kind!r}")
        self.kind = kind
        if kind == "concat":
            self.joint = tf.keras.layers.Dense(dim, kernel_initializer=fresh(initializer), name="joint")
        elif kind == "gating":
            self.gate = tf.keras.layers.Dense(1, use_bias=False, kernel_initializer=fresh(initializer), name="gate")

    def call(self, parts: list[tf.Tensor]) -> tf.Tensor:
        """parts: m tensors that broadcast to [B, T, d]. Returns [B, T, d]."""
        if self.kind == "add":
            return tf.add_n([tf.broadcast_to(part, tf.shape(parts[0])) for part in parts])
        whole = [tf.broadcast_to(part, tf.shape(parts[0])) for part in parts]
        if self.kind == "concat":
            return self.joint(tf.ensure_shape(tf.concat(whole, axis=-1), [None, None, sum(p.shape[-1] for p in parts)]))
        stack = tf.stack(whole, axis=2)  # [B, T, m, d]
        gates = tf.nn.softmax(self.gate(stack), axis=2)
        return tf.reduce_sum(gates * stack, axis=2)


class NonInvasiveBlock(PostNormBlock):
    """The post-norm block with non-invasive attention: LN(x + attention), then LN(x + FFN), x being the item stream.

    Args:
        fusor: kind of `Fusor`.
        dim, heads, inner, dropout, attention_dropout: as in models.layers.transformer.PostNormBlock.
        initializer: of all matrices.

    Reference: NOVA (Liu et al., AAAI 2021), NOVA layer: only the item representations go from layer to layer.
    """

    def __init__(
        self,
        fusor: str,
        dim: int,
        heads: int,
        inner: int,
        dropout: float,
        attention_dropout: float,
        initializer,
        **kwargs,
    ):
        attention = NonInvasiveAttention(
            dim,
            heads,
            causal=False,
            output_projection=True,
            dropout=attention_dropout,
            initializer=initializer,
            name="attention",
        )
        super().__init__(dim, heads, inner, dropout, initializer=initializer, attention=attention, **kwargs)
        self.fusor = Fusor(fusor, dim, initializer, name="fusor")

    def call(self, items: tf.Tensor, side: list[tf.Tensor], mask: tf.Tensor, newest: bool, training: bool = False):
        """Runs the block.

        Args:
            items: [B, T, d], the item stream.
            side: tensors that broadcast to [B, T, d].
            mask: bool [B, T], True for valid cells.
            newest: only the newest position is asked for.

        Returns:
            (item stream [B, Q, d], attention weights [B, heads, Q, T]), Q = 1 if newest, else T.
        """
        fused = self.fusor([items, *side])
        queries, x = asked(fused, newest), asked(items, newest)
        attended, weights = self.attention(queries, (fused, items), mask, training=training)
        return self.after_attention(x, attended, training), weights


class FusedQueryBlock(SASRecBlock):
    """SASRec's block as CAFE's authors have it for NOVA: queries LN(item + side), which are added to the result.

    So side information does enter the item stream. Attention is causal and has an output projection.

    Args:
        fusor: kind of `Fusor` ("add" in the authors' code).
        dim, heads: as in `MaskedAttention`.
        dropout: rate, of the attention weights too.

    Reference: the older commit of CAFE's repository (LEDGER B5).
    """

    def __init__(self, fusor: str, dim: int, heads: int, dropout: float, **kwargs):
        attention = NonInvasiveAttention(dim, heads, output_projection=True, dropout=dropout, name="attention")
        super().__init__(dim, dropout=dropout, attention=attention, **kwargs)
        self.fusor = Fusor(fusor, dim, name="fusor")

    def call(self, items: tf.Tensor, side: list[tf.Tensor], mask: tf.Tensor, newest: bool, training: bool = False):
        """Arguments and result as in `NonInvasiveBlock`."""
        fused = self.fusor([items, *side])
        return super().call(asked(fused, newest), (fused, items), mask, training=training)
