"""GRU4Rec as SINE's line of work uses it: a GRU over a user's newest items, trained on single next items.

This is not the session-parallel original of Hidasi et al. (ICLR 2016; CIKM 2018), whose mini-batches run through many
sessions side by side, whose negatives are the other sessions' items and whose losses are TOP1, BPR or BPR-max. SINE
does not say which form it compares with; this is the one of ComiRec's code, whose data SINE's own code reads (LEDGER B8).

| what | original says | ComiRec's code does | here | why |
|---|---|---|---|---|
| training | session-parallel, states carried over | one prefix, one next item | the same as ComiRec | SINE's protocol (S13) |
| network | GRU, 1 layer best | 1 layer, GRUCell, d units, last state | the same | |
| bias of the gates | - | 1 for the reset gate and for the gate that keeps the state | the same | |
| kernels at the start | - | Glorot uniform | uniform in +-1 / sqrt(d) | 0.7 to 0.8 of its range |
| padding | none | on the right, steps past the end skipped | on the left, skipped | the same states |
| item table | one-hot input, own output layer | shared in and out, bias frozen at 0 | shared, no bias | S11 |
| loss | TOP1, BPR | sampled softmax, 10 a row pooled, log-uniform, logQ | 5 a row pooled (`negatives`), `proposal` | S12: SINE's 5 on MovieLens |
"""  # noqa: E501

import ml_collections

from models import pooled
from models.base import Recommender
from models.layers.embedding import PaddedEmbedding
from models.layers.recurrent import ChannelGRU
from models.layers.windows import newest_windows
from models.losses import sampled_softmax
from tf_utils.keras_gate import tf
from tf_utils.masks import valid


class GRU4Rec(Recommender):
    """The last state of a GRU over the newest n items."""

    regime = "prefix"

    @staticmethod
    def default_config():
        return ml_collections.ConfigDict(dict(variant="paper", dim=128, max_length=20, **pooled.DEFAULTS))

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.items = PaddedEmbedding(spec.n_items, config.dim, name="items")
        self.gru = ChannelGRU(config.dim, reset_bias=1.0, update_bias=-1.0, name="gru")

    def encode(self, batch, training=False, positions="all"):
        length, width = self.config.max_length, tf.shape(batch["items"])[1]
        items = newest_windows(batch["items"], length, "last")[:, 0]  # [B, n]
        x = self.items(items)
        states = self.gru(x, tf.cast(valid(items), x.dtype)[..., None])  # [B, n, 1, d]
        return states[:, -1:] if positions == "last" else states[:, length - width :], {}

    def item_matrix(self):
        return self.items.matrix()

    def compute_loss(self, batch, training=True):
        queries = self.encode(batch, training=training, positions="last")[0][:, 0, 0]
        return sampled_softmax(queries, self.items, batch)

    def feed_options(self):
        return pooled.feed_options(self.config)
