"""Every picture of a trained run: attention maps, their averages, latent intents, interests, concepts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from data.pipeline import Store
from experiments.inspection import concept_pictures, heatmaps, histories, kept_interests
from experiments.inspection.averages import AverageMaps, is_causal
from experiments.inspection.histories import Histories
from experiments.inspection.loading import TrainedRun
from tf_utils.keras_gate import tf

SHOWN = 30  # events of a user, the newest ones
AVERAGE_SHOWN = 50
AVERAGED_USERS = 512
BATCH = 64
ROWS_OVER_SUMS = "theta, each row over its sum"


def draw(run: TrainedRun, users: np.ndarray) -> Iterator[tuple[str, bytes]]:
    """Yields (tag, PNG): "user <label>/<map>" for each of the users, then "average/<map>" and "average/by_distance".

    The maps are the entries of `out` (models.base.Recommender.encode) whose names end in "attention" or "local_mask"
    (of the latter each row over its sum: attention if all products of queries and keys were alike); "latent_intent" is
    drawn where the model has one, and the distribution over interests before and after their interaction as
    "interests"; see `concept_pictures.draw` for models with concepts. Where a model asks with a mask token behind the
    history (BERT4Rec), so do the maps. Yields nothing for a model with none of these.
    """
    store = Store(run.split.sequences)
    for user in users:
        yield from _user(run, _read(run, store, np.array([user], np.int32)))
    yield from concept_pictures.draw(run, store, users)
    yield from _averages(run, store)


def _read(run: TrainedRun, store: Store, users: np.ndarray) -> Histories:
    length = run.config.model.get("max_length", SHOWN)
    if not run.model.mask_token:
        return histories.read(run.split, store, users, length, run.model.padding_invariant)
    history = histories.read(run.split, store, users, length - 1, run.model.padding_invariant)
    return histories.asking(history, run.model.spec.n_items + 1)


def _encode(run: TrainedRun, history: Histories) -> dict[str, np.ndarray]:
    """The attention maps [B, heads, T, T] and, where there is one, the latent intent [B, T, d], float32."""
    return _drawn(run.model.encode(history.batch, training=False, positions="all")[1])


def _drawn(out: dict[str, tf.Tensor]) -> dict[str, np.ndarray]:
    wanted = [name for name in out if name.endswith(("attention", "local_mask")) or name == "latent_intent"]
    arrays = {name: tf.cast(out[name], tf.float32).numpy() for name in wanted}
    for name in (name for name in wanted if name.endswith("local_mask")):
        total = arrays[name].sum(axis=-1, keepdims=True)
        arrays[name] = arrays[name] / np.where(total > 0, total, 1)
    return arrays


def _user(run: TrainedRun, history: Histories) -> Iterator[tuple[str, bytes]]:
    encoded = run.model.encode(history.batch, training=False, positions="all")[1]
    out = _drawn(encoded)
    if not out:
        return
    seq = run.split.sequences
    name = str(seq.labels["user"][history.users[0] - 1])
    start, end = int(history.starts[0]), int(history.ends[0])
    hidden = [histories.HIDDEN] if run.model.mask_token else []
    read = int(history.valid.sum()) - len(hidden)  # what the model sees
    shown = min(read, SHOWN)
    labels = histories.event_labels(seq, end - shown, end) + hidden
    cells = len(labels)
    which = f"all {end - start} events" if shown == end - start else f"the newest {shown} of {end - start} events"
    for key, value in out.items():
        title = f"user {name}: {key}, {run.title}"
        if key == "latent_intent":
            yield f"user {name}/{key}", heatmaps.vectors(value[0, -cells:], labels, title, which)
            continue
        maps = value[0][:, -cells:, -cells:].astype(float)
        note = f"{which}; {ROWS_OVER_SUMS}" if key.endswith("local_mask") else which
        if shown < read:
            earlier = 1 - maps.sum(axis=-1).mean()
            note += f"; {earlier:.0%} of the weight lies on {read - shown} earlier events"
        if is_causal(value):
            maps[:, np.triu_indices(cells, 1)[0], np.triu_indices(cells, 1)[1]] = np.nan
        yield f"user {name}/{key}", heatmaps.attention(maps, labels, title, note)
    if kept_interests.present(encoded):
        rows = kept_interests.rows_of(encoded, history.valid)[0]
        rows = {side: x[-cells:] for side, x in rows.items()}
        yield f"user {name}/interests", heatmaps.interests(rows, labels, f"user {name}: interests, {run.title}", which)


def _averages(run: TrainedRun, store: Store) -> Iterator[tuple[str, bytes]]:
    users = histories.sample(run.split, AVERAGED_USERS)
    sums: dict[str, AverageMaps] = {}
    causal: dict[str, bool] = {}
    longest = int(run.split.sequences.lengths[users - 1].max()) - 1
    width = min(longest + run.model.mask_token, run.config.model.get("max_length", SHOWN))
    if not run.model.padding_invariant:
        width = run.config.model.get("max_length", SHOWN)
    for first in range(0, len(users), BATCH):
        history = _read(run, store, users[first : first + BATCH])
        for key, maps in _encode(run, history).items():
            if key != "latent_intent":
                sums.setdefault(key, AverageMaps(maps.shape[1], width)).add(maps, history.valid)
                causal[key] = causal.get(key, True) and is_causal(maps)
    if not sums:
        return
    shown = min(width, AVERAGE_SHOWN)
    newest = histories.HIDDEN if run.model.mask_token else "the newest event"
    about = f"{len(users)} users, aligned at {newest}; a cell averages those who have both events"
    curves = {}
    for key, total in sums.items():
        maps = total.mean()[:, -shown:, -shown:]
        if causal[key]:
            maps[:, np.triu_indices(shown, 1)[0], np.triu_indices(shown, 1)[1]] = np.nan
        note = f"{about}; {ROWS_OVER_SUMS}" if key.endswith("local_mask") else about
        yield f"average/{key}", heatmaps.average(maps, f"{key}, {run.title}", note, newest)
        heads, even = total.by_distance()
        for head, curve in enumerate(heads):
            curves[key if len(heads) == 1 else f"{key}, head {head + 1}"] = curve[:shown]
    title = f"attention by distance, {run.title}"
    yield "average/by_distance", heatmaps.by_distance(curves, even[:shown], title, f"{len(users)} users")
