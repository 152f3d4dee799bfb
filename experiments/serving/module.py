"""The exported module: raw ids of a history in, raw ids and scores of the best items out."""

from __future__ import annotations

import itertools

from data.schema import Sequences
from experiments.serving import vocabulary
from experiments.serving.retrieval import make_retrieval
from models.base import Recommender
from tf_utils.keras_gate import tf

_TABLES = {"user": "user", "categories": "category", "actions": "action"}  # a batch's field -> its vocabulary
OPTIONAL = tuple(_TABLES)


class ServingModule(tf.Module):
    """What `tf.saved_model.load` gives back: `recommend`, and the signatures of `signatures()`.

    Args:
        model: built, with its final weights.
        sequences: the data, for the vocabularies.
        length: n, the newest events that the model is given; None for all.
        top_n: N, items of a list.
        keep_seen: whether items of the history may be in its list.
        index: see experiments.serving.retrieval.

    Attributes:
        reads: those of `OPTIONAL` that the model reads. The others are ignored; give them with all three or not at all.
        retrieval: how lists are made, see experiments.serving.retrieval.
        recommend: (items, user=None, categories=None, actions=None) -> {"items": string [B, N], "scores": float32
            [B, N]}, best first, of equal scores the item with the smaller id; places for which no item is left hold ""
            and -inf.
              items: string [B, S], oldest first, padded anywhere with ""; or ragged. Unknown items are skipped. All of
                them are kept out of the list (not with keep_seen), also those beyond the newest n.
              user: string [B]. "" or unknown: the zero vector.
              categories, actions: string, of the shape of items. "" or unknown: the item's own category, the data's
                most frequent action.
    """

    def __init__(
        self,
        model: Recommender,
        sequences: Sequences,
        length: int | None,
        top_n: int,
        keep_seen: bool,
        index: str = "tfrs",
    ):
        super().__init__()
        self.reads = tuple(sorted(_fields_read(model) & set(OPTIONAL)))
        retrieve, self.retrieval = make_retrieval(model, top_n, index)
        labels = {field: sequences.labels[_TABLES[field]] for field in self.reads}
        labels["items"] = sequences.labels["item"]
        ids_of = {field: vocabulary.ids_of(names) for field, names in labels.items()}
        self._tables = list(ids_of.values())  # what a function uses must hang on the module
        names = tf.constant(vocabulary.texts(sequences.labels["item"]))
        own_category = tf.constant(sequences.item_categories())
        usual_action = vocabulary.usual_action(sequences)

        def lists(items, user, categories, actions):
            """string [B, S], [B], [B, S], [B, S] -> the outputs of `recommend`."""
            tf.debugging.assert_equal(tf.shape(user), tf.shape(items)[:1], "user must have a name, or '', for each row")
            ids = ids_of["items"].lookup(items)
            fields = {"items": ids}
            for name, given, usual in (
                ("categories", categories, tf.gather(own_category, ids)),
                ("actions", actions, usual_action),
            ):
                tf.debugging.assert_equal(tf.shape(given), tf.shape(items), f"{name} must have the shape of items")
                found = ids_of[name].lookup(given) if name in self.reads else tf.zeros_like(ids)
                fields[name] = tf.where(ids > 0, tf.where(found > 0, found, usual), 0)
            width = _width(tf.shape(ids)[1], length, model.padding_invariant)
            batch = _left_padded(fields, width)
            batch["user"] = ids_of["user"].lookup(user) if "user" in self.reads else tf.zeros_like(user, tf.int32)
            scores, best = retrieve(batch, None if keep_seen else ids)
            return {"items": tf.gather(names, best), "scores": scores}

        text = lambda *shape: tf.TensorSpec(shape, tf.string)  # noqa: E731
        specs = [text(None, None), text(None), text(None, None), text(None, None)]
        self._lists = tf.function(lists, input_signature=specs, autograph=False)
        # The model itself is no part of the module, lest Keras be needed to load it: its weights are.
        self._weights = list(self._lists.get_concrete_function().graph.variables)
        self.recommend = tf.function(self._recommend, autograph=False)
        ragged = lambda: tf.RaggedTensorSpec([None, None], tf.string, ragged_rank=1)  # noqa: E731
        for items, given in itertools.product((specs[0], ragged()), _calls(self.reads)):
            known = dict(zip(OPTIONAL, (specs[1], items, items), strict=True))
            self.recommend.get_concrete_function(
                items, **{name: known[name] if name in given else None for name in OPTIONAL}
            )

    def _recommend(self, items, user=None, categories=None, actions=None):
        dense = lambda x: x.to_tensor("") if isinstance(x, tf.RaggedTensor) else x  # noqa: E731
        items = dense(items)
        nothing = tf.fill(tf.shape(items), "")
        user = tf.fill(tf.shape(items)[:1], "") if user is None else user
        categories, actions = (nothing if x is None else dense(x) for x in (categories, actions))
        return self._lists(items, user, categories, actions)

    def signatures(self) -> dict:
        """serving_default takes items alone; with_context takes user, categories and actions too, "" for not given."""
        text = lambda name, rank: tf.TensorSpec([None] * rank, tf.string, name)  # noqa: E731
        every = [text("items", 2), text("user", 1), text("categories", 2), text("actions", 2)]
        return {
            "serving_default": tf.function(self._recommend, every[:1], autograph=False),
            "with_context": tf.function(self._recommend, every, autograph=False),
        }


def _calls(reads: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The optional inputs that may be given together: any of those that are read, or all, whether read or not."""
    some = itertools.chain.from_iterable(itertools.combinations(reads, size) for size in range(len(reads) + 1))
    return list(dict.fromkeys([*(tuple(sorted(names)) for names in some), tuple(sorted(OPTIONAL))]))


class _Recorder(dict):
    """A batch that knows which of its fields were read."""

    def __init__(self, batch):
        super().__init__(batch)
        self.read = set()

    def __getitem__(self, name):
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        try:
            return self[name]
        except KeyError:
            return default


def _fields_read(model: Recommender) -> set[str]:
    one = tf.ones([1, 1], tf.int32)
    batch = _Recorder({"user": one[0], "items": one, "actions": one})
    batch["categories"] = tf.minimum(one, model.spec.n_categories)
    model.encode(batch, training=False, positions="last")
    return batch.read


def _width(given: tf.Tensor, length: int | None, trim: bool) -> tf.Tensor | int:
    """Cells of a history as the model gets it: always n for a model that minds the amount of padding."""
    if length is None:
        return tf.maximum(given, 1)
    return tf.clip_by_value(given, 1, length) if trim else length


def _left_padded(fields: dict[str, tf.Tensor], width: tf.Tensor | int) -> dict[str, tf.Tensor]:
    """int32 [B, S] each -> [B, width]: the newest events with a known item, the newest last."""
    known = tf.cast(fields["items"] > 0, tf.int32)
    order = tf.argsort(known, axis=1, stable=True)  # what is not known goes to the left, the rest stays in order
    more = tf.maximum(width - tf.shape(known)[1], 0)
    newest = {}
    for name, x in fields.items():
        x = tf.pad(tf.gather(x, order, batch_dims=1), [[0, 0], [more, 0]])
        x = x[:, tf.shape(x)[1] - width :]
        newest[name] = tf.ensure_shape(x, [None, width]) if isinstance(width, int) else x
    return newest
