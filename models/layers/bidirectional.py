"""The body of BERT4Rec and of what is built on it: blocks in which every event sees every other."""

from collections.abc import Callable

from models.layers.dropout import StatelessDropout
from models.layers.embedding import LearnedPositions
from models.layers.initializers import truncated_normal
from models.layers.norm import LayerNorm
from models.layers.transformer import asked, run_blocks
from tf_utils.keras_gate import tf
from tf_utils.masks import valid


class Bidirectional:
    """Positions, LN and dropout on the input, then blocks; for models and layers to inherit.

    It is inherited and not a layer inside, so the weights of BERT4Rec are named as the model's own.

    Reference: Sun et al., CIKM 2019, section 3; LOCKER's histories: LEDGER B4.
    """

    def add_body(
        self,
        config,
        make_block: Callable,
        prefix: str = "",
        positions: bool = True,
        histories: bool = False,
        aligned: bool = False,
    ):
        """Makes the parts.

        Args:
            config: ConfigDict with dim, max_length, blocks and dropout.
            make_block: function of a name -> a layer called like `PostNormBlock`.
            prefix: of the weights' names.
            positions: whether learned positions are added to the input.
            histories: whether blocks are told, as `users`, the sum of the known events' inputs over the root of their
                number.
            aligned: whether a block takes a query's place in the history from its place among the queries, and so
                must be asked for all of them, or for the newest.
        """
        self.positions = None
        if positions:
            self.positions = LearnedPositions(
                config.max_length, config.dim, "newest", truncated_normal(), name=f"{prefix}positions"
            )
        self.input_norm = LayerNorm(epsilon=1e-12, name=f"{prefix}input_norm")
        self.dropout = StatelessDropout(config.dropout)
        self.blocks = [make_block(f"{prefix}block_{i}") for i in range(config.blocks)]
        self.histories, self.aligned = histories, aligned

    def contextual(
        self,
        vectors: tf.Tensor,
        items: tf.Tensor,
        known: tf.Tensor,
        last: bool,
        training: bool,
        at: tf.Tensor | None = None,
    ):
        """What each event is in the light of the others.

        Args:
            vectors: [B, T, d], what is read.
            items: int32 [B, T], 0 where padding, T <= n.
            known: bool [B, T], neither padding nor hidden.
            last: the newest event's state alone is wanted.
            training: dropout on.
            at: int32 [B, Q], the columns whose states are wanted; None: all.

        Returns:
            (states [B, T, d], [B, 1, d] for `last`, [B, Q, d] with `at`; attention maps of the blocks
            [B, heads, Q, T], by name)
        """
        x = vectors if self.positions is None else vectors + self.positions(items)
        x = self.dropout(self.input_norm(x), training=training)
        context = {"users": history(x, known)} if self.histories else {}
        of_blocks = None if self.aligned else at
        x, out = run_blocks(self.blocks, x, valid(items), last, training, at=of_blocks, **context)
        return asked(x, last, at) if self.aligned else x, out


class BidirectionalEncoder(Bidirectional, tf.keras.layers.Layer):
    """A second such body inside a model; arguments as of `Bidirectional.add_body`."""

    def __init__(self, config, make_block: Callable, prefix: str, options: dict, **kwargs):
        super().__init__(**kwargs)
        self.add_body(config, make_block, prefix, **options)


def hidden_columns(positives: tf.Tensor) -> tf.Tensor:
    """positives int32 [B, T], above 0 where an item is hidden.

    Returns int32 [B, Q]: those columns of each row, oldest first, Q being the most of a row (1 at least); a row with
    fewer has others behind them, where `positives` is 0.
    """
    hidden = tf.cast(valid(positives), tf.int32)
    most = tf.maximum(tf.reduce_max(tf.reduce_sum(hidden, axis=1)), 1)
    return tf.math.top_k(hidden, most).indices  # of equal values the lower index comes first


def history(x: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
    """[B, d]: the sum of x [B, T, d] where `known`, over the root of the number of cells; zeros where there is none."""
    known = tf.cast(known, x.dtype)
    count = tf.reduce_sum(known, axis=1, keepdims=True)
    return tf.einsum("btd,bt->bd", x, known) * tf.math.rsqrt(tf.maximum(count, 1))
