"""What is drawn of a trained run: the right numbers in the right cells, readable by TensorBoard."""

import json
import shutil

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from data.pipeline import Store
from experiments import runner
from experiments.configs import attrec
from experiments.inspection import concept_pictures, heatmaps, histories, images, projector
from experiments.inspection.averages import AverageMaps, is_causal
from experiments.inspection.evaluating import evaluate
from experiments.inspection.inspect_run import inspect_run
from experiments.inspection.loading import load_run
from tests.e2e.test_runs import config_of
from tests.tiny import arrays
from tf_utils.cli import UserError
from tf_utils.keras_gate import tf


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("inspect")
    record = runner.execute(config_of(max_epochs=1), workdir)
    return workdir, record


def test_averages_by_hand():
    """Two users, right-aligned; the second has one event: cell (-1, -1) averages both, the others have one user."""
    maps = np.zeros((2, 1, 2, 2))
    maps[0, 0] = [[1.0, 0.0], [0.25, 0.75]]
    maps[1, 0] = [[0.0, 0.0], [0.0, 1.0]]
    total = AverageMaps(1, 2)
    total.add(maps, np.array([[True, True], [False, True]]))
    np.testing.assert_allclose(total.mean()[0], [[1.0, 0.0], [0.25, 0.875]])
    assert is_causal(maps) and not is_causal(maps.swapaxes(-1, -2))


def test_evaluate_gives_the_record_exactly(trained):
    workdir, record = trained
    result = evaluate(load_run(workdir))
    for protocol, metrics in record.metrics.items():
        assert result["metrics"][protocol] == pytest.approx(metrics, abs=1e-6)
    assert set(result["data_notes"]) == set(record.data_notes) and any("uniform100" in n for n in record.data_notes)


def test_evaluate_counts_what_a_refitted_counting_model_was_fitted_on(tmp_path):
    config = attrec.get_config("synthetic-demo,pop")
    config.dataset_args.fraction = 0.05
    assert config.train.refit
    record = runner.execute(config, tmp_path)
    found = evaluate(load_run(tmp_path))["metrics"]
    for protocol, metrics in record.metrics.items():
        assert found[protocol] == pytest.approx(metrics, abs=1e-6)


def test_a_workdir_of_an_older_model_is_told(trained, tmp_path):
    workdir = shutil.copytree(trained[0], tmp_path / "old")
    config = json.loads((workdir / "config.json").read_text())
    del config["model"]["heads"]
    (workdir / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="config.json: not of this version of the suite .*heads"):
        load_run(workdir)


def test_evaluate_other_protocols_and_bad_ones(trained):
    run = load_run(trained[0])
    result = evaluate(run, "validation", ("asli_official",))
    assert set(result["metrics"]) == {"asli_official"}
    with pytest.raises(UserError, match="easy"):
        evaluate(run, "test", ("easy",))


def test_pictures_and_projector_are_what_tensorboard_reads(trained, tmp_path):
    workdir = trained[0]
    said = inspect_run(workdir, tmp_path / "out", n_users=1)
    assert any("pictures" in line for line in said)
    events = EventAccumulator(str(tmp_path / "out"), size_guidance={"tensors": 0, "images": 0})
    events.Reload()
    tags = events.Tags()["tensors"] + events.Tags()["images"]
    for wanted in ("item_attention", "intent_attention", "latent_intent"):
        assert any(tag.startswith("user ") and tag.endswith(wanted) for tag in tags)
    assert {"average/item_attention", "average/intent_attention", "average/by_distance"} <= set(tags)
    png = next((tmp_path / "out" / "images").glob("user_*intent_attention.png")).read_bytes()
    picture = tf.io.decode_png(png).numpy()
    assert min(picture.shape[:2]) > 200 and picture.std() > 1

    run = load_run(workdir)
    rows = (tmp_path / "out" / "metadata.tsv").read_text().splitlines()
    seq = run.split.sequences
    assert len(rows) == seq.size("item") + 1 and rows[0].split("\t")[0] == "item"
    assert rows[3].split("\t")[0] == str(seq.labels["item"][2])
    reader = tf.train.load_checkpoint(str(tmp_path / "out"))
    name = f"{projector.TENSOR}/.ATTRIBUTES/VARIABLE_VALUE"
    np.testing.assert_array_equal(reader.get_tensor(name), run.model.item_matrix().numpy()[1:])
    assert name in (tmp_path / "out" / "projector_config.pbtxt").read_text()


def test_labels_are_those_of_the_events(trained):
    seq = load_run(trained[0]).split.sequences
    label = histories.event_labels(seq, 4, 5)[0]
    assert str(seq.labels["item"][seq.items[4] - 1]) in label
    assert str(seq.labels["action"][seq.actions[4] - 1]) in label


def test_unknown_user_names_some_that_exist(trained, tmp_path):
    with pytest.raises(UserError, match="nobody") as caught:
        inspect_run(trained[0], tmp_path / "out", labels=["nobody"])
    assert str(load_run(trained[0]).split.sequences.labels["user"][0]) in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def with_concepts(tmp_path_factory):
    """SINE with 6 concepts, of which a user activates 2."""
    workdir = tmp_path_factory.mktemp("concepts")
    config = config_of("sine", max_epochs=1)
    config.model.update(hidden=8, concepts=6, intents=2)
    runner.execute(config, workdir)
    return workdir


def test_pictures_of_concepts_hold_the_models_numbers(with_concepts, monkeypatch):
    """Gates and weights stand under the concepts that the user activates, names come from the concepts' neighbours."""
    run = load_run(with_concepts)
    users = histories.typical(run.split, 3)
    drawn, tables = {}, []
    record = lambda values, rows, columns, scale, title, note: drawn.update({title: (values, rows, columns)})  # noqa: E731
    monkeypatch.setattr(heatmaps, "cells", record)
    monkeypatch.setattr(heatmaps, "table", lambda header, rows, title, note: tables.append((header, rows)))
    store = Store(run.split.sequences)
    tags = [tag for tag, _ in concept_pictures.draw(run, store, users)]
    assert tags[-3:] == ["concepts/activation", "concepts/weights", "concepts/nearest_items"] and len(tags) == 6

    history = histories.read(run.split, store, users, run.config.model.max_length, trim=False)
    out = arrays(run.model.encode(history.batch, positions="last")[1])
    (gates, names, columns), (weights, *_) = (x for title, x in drawn.items() if not title.startswith("user"))
    ids = [int(column.split(":")[0]) for column in columns]
    assert ids == sorted(set(out["concepts"].ravel().tolist()))
    for row, active in enumerate(out["concepts"]):
        places = [ids.index(concept) for concept in active]
        np.testing.assert_allclose(gates[row, places], out["gates"][row], rtol=1e-5)
        np.testing.assert_allclose(weights[row, places], out["aggregation_weights"][row], rtol=1e-4)
        assert np.isnan(np.delete(gates[row], places)).all()
        shares, rows, events = drawn[next(title for title in drawn if title.startswith(f"{names[row]}:"))]
        read = int(history.valid[row].sum())
        np.testing.assert_allclose(shares, out["p_k_given_t"][row, -read:].T, rtol=1e-4)
        assert [int(label.split(":")[0]) for label in rows] == active.tolist() and len(events) == read

    seq, vectors = run.split.sequences, run.model.item_matrix().numpy()
    trained = run.split.item_counts(train_only=True) > 0
    ((header, listed),) = tables
    assert header == ("concept", "items", *(f"nearest {k}" for k in range(1, 9)), "cosines")
    for number, _, nearest, *_ in listed:
        prototype = run.model.concepts.prototypes.numpy()[int(number)]
        cosines = vectors @ prototype / np.maximum(np.linalg.norm(vectors, axis=1), 1e-12)
        item = int(np.argmax(np.where(trained, cosines, -np.inf)))
        assert nearest.split(" [")[0] == str(histories.item_names(seq)[item - 1])


def test_pictures_of_concepts_reach_tensorboard(with_concepts, tmp_path):
    inspect_run(with_concepts, tmp_path / "out", n_users=2)
    events = EventAccumulator(str(tmp_path / "out"), size_guidance={"tensors": 0, "images": 0})
    events.Reload()
    tags = events.Tags()["tensors"] + events.Tags()["images"]
    assert {"concepts/activation", "concepts/weights", "concepts/nearest_items"} <= set(tags)
    assert sum(tag.startswith("user ") and tag.endswith("/concepts") for tag in tags) == 2
    for name in ("concepts-nearest_items.png", "concepts-activation.png"):
        picture = tf.io.decode_png((tmp_path / "out" / "images" / name).read_bytes()).numpy()
        assert min(picture.shape[:2]) > 200 and picture.std() > 1


def test_a_mask_token_stands_behind_the_history(tmp_path, monkeypatch):
    """The map's last row is that of the prediction, and no event of the history is lost but at the full length."""
    runner.execute(config_of("bert4rec", max_epochs=1), tmp_path / "run")
    run = load_run(tmp_path / "run")
    drawn = {}
    monkeypatch.setattr(images.heatmaps, "attention", lambda *given: drawn.update({given[2]: given}) or b"")
    seq, length = run.split.sequences, run.config.model.max_length
    order = np.argsort(seq.lengths, kind="stable")
    users = (order[[0, -1]] + 1).astype(np.int32)  # one shorter than the model's n, one longer
    assert seq.lengths[users[0] - 1] < length < seq.lengths[users[1] - 1]
    store = Store(seq)
    for user in users:
        drawn.clear()
        list(images._user(run, images._read(run, store, np.array([user]))))
        maps, labels, title, _ = next(iter(drawn.values()))
        read = histories.read(run.split, store, np.array([user]), length, run.model.padding_invariant)
        _, out = run.model.encode(read.batch, positions="last")
        events = min(int(read.valid.sum()), length - 1, images.SHOWN)
        assert labels[-1] == histories.HIDDEN and len(labels) == events + 1 == maps.shape[-1]
        end = int(read.ends[0])
        assert labels[:-1] == histories.event_labels(seq, end - events, end) and title.startswith("user ")
        np.testing.assert_allclose(
            maps, out["block_0_attention"].numpy()[0][:, -len(labels) :, -len(labels) :], atol=1e-6
        )


def test_cafe_shows_its_items_and_bpr_says_what_it_lacks(tmp_path):
    runner.execute(config_of("cafe", max_epochs=1), tmp_path / "cafe")
    (said,) = inspect_run(tmp_path / "cafe", tmp_path / "out", n_users=1)
    run = load_run(tmp_path / "cafe")
    assert f"{run.split.sequences.size('item')} item vectors" in said
    np.testing.assert_array_equal(projector.item_vectors(run.model), run.model.items.table.numpy()[1:])
    runner.execute(config_of("bpr_mf", max_epochs=1), tmp_path / "bpr")
    lacks, has = inspect_run(tmp_path / "bpr", tmp_path / "out2")
    assert "no attention maps" in lacks and "pictures" not in has and "item vectors for the projector" in has


def test_model_without_attention_says_so(tmp_path):
    runner.execute(config_of("pop"), tmp_path / "run")
    said = " ".join(inspect_run(tmp_path / "run", tmp_path / "out"))
    assert "no attention maps" in said and not (tmp_path / "out" / "images").exists()


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_bad_workdirs_are_one_line(tmp_path, content):
    workdir = tmp_path / "run"
    if content is not None:
        workdir.mkdir()
        (workdir / "config.json").write_text(content)
    with pytest.raises(UserError) as caught:
        load_run(workdir)
    assert "\n" not in str(caught.value)


def test_run_without_checkpoint(trained, tmp_path):
    (tmp_path / "config.json").write_text((trained[0] / "config.json").read_text())
    with pytest.raises(UserError, match="no checkpoint"):
        load_run(tmp_path)
