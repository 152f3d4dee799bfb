"""Caser: personalised top-N sequential recommendation via convolutional sequence embedding (Tang and Wang, WSDM 2018).

| what | paper says | authors' PyTorch code does | here | why |
|---|---|---|---|---|
| sizes (B9) | d, L, T, numbers of filters tuned | d 50, L 5, T 3, 4 vertical, 16 horizontal a height, heights 1 to L | the code's | |
| activations | one for the convolutions, one for the layer, tuned | ReLU, ReLU | ReLU, ReLU | |
| vertical filters | a weighted sum of the rows, no activation | the same | the same | |
| bias of the filters | none among the parameters | PyTorch's default, one each | `filter_bias` = False, official True | the paper's |
| dropout | 50% on fully connected layers | on the filters' concatenated output | as the code | |
| output (B9) | W' [z; P_u] + b', an own table | the same | the same | |
| loss | sums over targets and over negatives | mean over targets + mean over negatives | sum over targets, each with its negatives, over the number of targets: the code's two means | additive over slices of a batch |
| negatives | 3 a target | 3 a window of 3 targets (a comment says 3 a target) | `negatives` = 1 a target; variant "three_negatives" | the code's weights of the two terms |
| excluded from negatives | the target | the user's training items | the code's; `exclude` = "targets" | |
| SINE's protocol | SINE section 4.1: n 20, D 128, sampled softmax | not released | variant "sine_protocol": `loss` = "sampled_softmax", L = n, the next item alone, a pool of `negatives` a row (S12, S13); user vector and own output table stay | its Table 1 |
| L2 | on all parameters | weight decay 1e-6 inside Adam, on all of them at every step | `l2` = 1e-6, half the squares of all parameters once a step | the same gradient |
| short histories | - | padded with item 0, a vector that is learnt like any other | zero vectors on the left; filters that see no item are left out of the maximum | RecBole pads on the right |
| initialisation | - | tables N(0, 1/width), the rest PyTorch's | tables the code's, the rest Glorot uniform, zero biases | |
"""  # noqa: E501

import ml_collections

from models import pooled
from models.base import Recommender
from models.layers.dropout import StatelessDropout
from models.layers.embedding import PaddedEmbedding, built
from models.layers.initializers import normal
from models.losses import binary_cross_entropy, sampled_softmax
from tf_utils.keras_gate import tf
from tf_utils.masks import valid


class HorizontalFilters(tf.keras.layers.Layer):
    """Filters as wide as the vectors and `height` items tall; of each its greatest value in the window, or 0.

    Args:
        filters: how many.
        height: h.
        length: L, items of a window.
        use_bias: whether a filter has a bias.

    Reference: Tang and Wang, WSDM 2018, section 3.2.
    """

    def __init__(self, filters: int, height: int, length: int, use_bias: bool, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.height, self.length, self.use_bias = filters, height, length, use_bias

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=[self.height, input_shape[-1], self.filters])
        self.bias = self.add_weight(name="bias", shape=[self.filters], initializer="zeros") if self.use_bias else None
        super().build(input_shape)

    def call(self, inputs: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """inputs: [B, T + L - 1, d], zeros where mask (bool [B, T + L - 1]) is False. Returns [B, T, filters]."""
        dtype = inputs.dtype
        if dtype == tf.bfloat16 and inputs.shape[-1] < 16:
            # oneDNN's half precision with AMX (TensorFlow 2.21) gives wrong sums here, e.g. for height 8 of 8 channels.
            dtype = tf.float32
        x = tf.nn.conv1d(tf.cast(inputs, dtype), tf.cast(self.kernel, dtype), stride=1, padding="VALID")
        x = tf.cast(x, inputs.dtype)
        if self.bias is not None:
            x += tf.cast(self.bias, x.dtype)
        seen = tf.nn.max_pool1d(tf.cast(mask, x.dtype)[..., None], self.height, 1, "VALID") > 0
        x = tf.nn.relu(tf.where(seen, x, tf.zeros([], x.dtype)))  # ReLU is monotone: 0 is its least value
        return tf.nn.max_pool1d(x, self.length - self.height + 1, 1, "VALID")


class VerticalFilters(tf.keras.layers.Layer):
    """Weighted sums of the vectors of a window, oldest first.

    Args:
        filters: how many.
        length: L, items of a window.
        use_bias: whether a filter has a bias.

    Reference: Tang and Wang, WSDM 2018, section 3.2.
    """

    def __init__(self, filters: int, length: int, use_bias: bool, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.length, self.use_bias = filters, length, use_bias

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=[self.length, self.filters])
        self.bias = self.add_weight(name="bias", shape=[self.filters], initializer="zeros") if self.use_bias else None
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """inputs: [B, T + L - 1, d]. Returns [B, T, filters * d]."""
        width = tf.shape(inputs)[1] - self.length + 1
        if inputs.shape[1] == self.length:  # one window, as in training: each slice would cost a copy of its gradient
            windows = tf.expand_dims(inputs, 1)
        else:
            windows = tf.stack([inputs[:, i : i + width] for i in range(self.length)], axis=2)  # [B, T, L, d]
        x = tf.matmul(tf.cast(self.kernel, inputs.dtype), windows, transpose_a=True)  # [B, T, filters, d]
        if self.bias is not None:
            x += tf.cast(self.bias, x.dtype)[:, None]
        return tf.reshape(x, [tf.shape(x)[0], width, self.filters * inputs.shape[-1]])


class Caser(Recommender):
    """The newest L items as an image, read by horizontal and vertical filters; beside them the user's vector."""

    regime = "window"
    choices = {"loss": ("bce", "sampled_softmax")}

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(
            dict(
                variant="paper",
                dim=50,
                max_length=5,
                targets=3,
                negatives=1,
                exclude="train",
                vertical=4,
                horizontal=16,
                dropout=0.5,
                filter_bias=False,
                l2=1e-6,
            )
        )

    @staticmethod
    def variants():
        sine = {"loss": "sampled_softmax", "dim": 128, "max_length": 20, "targets": 1}
        return {
            "paper": {},
            "official": {"filter_bias": True},
            "three_negatives": {"negatives": 3},
            "sine_protocol": sine | pooled.DEFAULTS,
        }

    def __init__(self, config, spec):
        super().__init__(config, spec)
        if config.get("loss") == "sampled_softmax":
            self.regime = "prefix"
        self.users, self.items, self.output_items, self.output_bias = (
            built(PaddedEmbedding(size, width, initializer, name=name))
            for name, size, width, initializer in (
                ("users", spec.n_users, config.dim, normal(1 / config.dim)),  # P
                ("items", spec.n_items, config.dim, normal(1 / config.dim)),  # Q
                ("output_items", spec.n_items, 2 * config.dim, normal(1 / (2 * config.dim))),  # W'
                ("output_bias", spec.n_items, 1, "zeros"),  # b'
            )
        )
        self.tables = [self.users, self.items, self.output_items, self.output_bias]
        length, bias = config.max_length, config.filter_bias
        self.vertical = VerticalFilters(config.vertical, length, bias, name="vertical")
        self.horizontal = [
            HorizontalFilters(config.horizontal, height, length, bias, name=f"horizontal_{height}")
            for height in range(1, length + 1)
        ]
        self.dropout = StatelessDropout(config.dropout)
        self.dense = tf.keras.layers.Dense(config.dim, activation="relu", name="dense")

    def encode(self, batch, training=False, positions="all"):
        """Queries [B, T, 1, 2 d + 1]: z, P_u and 1, which the output bias is multiplied by."""
        length, items = self.config.max_length, tf.pad(batch["items"], [[0, 0], [self.config.max_length - 1, 0]])
        if positions == "last":
            items = tf.ensure_shape(items[:, -length:], [None, length])
        width = tf.shape(items)[1] - length + 1
        image = self.items(items)  # E, section 3.1
        mask = valid(items)
        filtered = [self.vertical(image), *(layer(image, mask) for layer in self.horizontal)]
        z = self.dense(self.dropout(tf.concat(filtered, axis=-1), training=training))  # section 3.3
        u = tf.repeat(self.users(batch["user"])[:, None, :], width, axis=1)
        return tf.concat([z, u, tf.ones_like(z[..., :1])], axis=-1)[:, :, None, :], {}

    def item_matrix(self):
        """[n_items + 1, 2 d + 1]: W' with b' as the last column."""
        return tf.concat([self.output_items.matrix(), self.output_bias.matrix()], axis=-1)

    def compute_loss(self, batch, training=True):
        query = self.encode(batch, training=training, positions="last")[0][:, 0]  # [B, 1, 2 d + 1]
        if self.regime == "prefix":
            return sampled_softmax(query[:, 0], self._outputs, batch)
        positives, targets = batch["positives"], self.config.targets
        outputs = self._outputs(tf.concat([positives, batch["negatives"]], axis=1))
        score = tf.matmul(outputs, query, transpose_b=True)[..., 0]  # section 3.3, [B, T + T * negatives]
        # The j-th target has the j-th run of negatives; those of a padded target do not count.
        negative = tf.reshape(score[:, targets:], [-1, targets, self.config.negatives])
        return binary_cross_entropy(score[:, :targets], negative, valid(positives), batch["valid_count"])

    def _outputs(self, ids):
        """int32 [...] -> [..., 2 d + 1]: the rows of `item_matrix`."""
        return tf.concat([self.output_items(ids), self.output_bias(ids)], axis=-1)

    def regularisation(self):
        tables = {id(table.table) for table in self.tables}
        others = [tf.reduce_sum(tf.square(w)) for w in self.trainable_variables if id(w) not in tables]
        return 0.5 * self.config.l2 * (tf.add_n([table.squares() for table in self.tables]) + tf.add_n(others))

    def feed_options(self):
        if self.regime == "prefix":
            return pooled.feed_options(self.config)
        return {"exclude": self.config.exclude, "negatives": self.config.targets * self.config.negatives}
