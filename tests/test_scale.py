"""The two large files, generated at their full size: their peak memory in a process of their own, and (printed, never
asserted: it is the machine's) rows a second. And the memory of the best of a million items for a thousand users.

`pytest -m slow tests/test_scale.py` runs the 12-million-row one; SCALE_FULL=1 adds the 100-million-row one, which needs
10 GB of disk and several minutes. `python -m tests.test_scale tianchi` prints the figures alone.
"""

import dataclasses
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

ROWS = {"tianchi": 12_256_906, "taobao": 100_150_807}
FILES = {"tianchi": "tianchi/tianchi_mobile_recommend_train_user.csv", "taobao": "taobao/UserBehavior.csv"}
LOADS = {"tianchi": ("tmall", {}), "taobao": ("taobao", {"actions": (), "min_user": 5, "min_item": 5, "dedup": "uia"})}
# Ceilings for a machine of 24 GB.
MAX_GIGABYTES = {"tianchi": 3.0, "taobao": 16.0}
CHUNK = 2_000_000


def write(name: str, folder: Path, rows: int) -> Path:
    """A file in the official format with the official number of rows, users, items and categories, in no order."""
    path = folder / FILES[name]
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    header = name == "tianchi"
    options = csv.WriteOptions(include_header=header, quoting_style="none", quoting_header="none")
    writer = None
    for start in range(0, rows, CHUNK):
        table = _tianchi(rng, min(CHUNK, rows - start)) if header else _taobao(rng, min(CHUNK, rows - start))
        writer = writer or csv.CSVWriter(path, table.schema, write_options=options)
        writer.write_table(table)
    writer.close()
    return path


def _tianchi(rng: np.random.Generator, rows: int) -> pa.Table:
    item = (rng.random(rows) ** 2 * 2_876_947).astype(np.int64)
    hours = np.arange(np.datetime64("2014-11-18T00"), np.datetime64("2014-12-19T00")).astype(str)
    hours = pa.array(np.char.replace(hours, "T", " "))
    return pa.table(
        {
            "user_id": rng.integers(0, 10_000, rows) * 14_200 + 492,
            "item_id": item * 140 + 37,
            "behavior_type": np.searchsorted([0.942, 0.962, 0.99], rng.random(rows)) + 1,
            "user_geohash": pa.array(["", "", "9rr23bo"]).take(pa.array(rng.integers(0, 3, rows))),
            "item_category": item % 8_916 + 2,
            "time": hours.take(pa.array(rng.integers(0, len(hours), rows))),
        }
    )


def _taobao(rng: np.random.Generator, rows: int) -> pa.Table:
    item = (rng.random(rows) ** 2 * 4_162_024).astype(np.int64)
    actions = pa.array(["pv", "cart", "fav", "buy"])
    return pa.table(
        {
            "user": rng.integers(1, 987_995, rows),
            "item": item + 1_000_000,
            "category": item % 9_439 * 500 + 1,
            "action": actions.take(pa.array(np.searchsorted([0.896, 0.951, 0.98], rng.random(rows)))),
            "timestamp": rng.integers(1_511_539_200, 1_512_316_800, rows),
        }
    )


def probe(name: str, data_dir: str, overrides: dict) -> dict:
    """Loads the data set twice, from the file and from the cache, and tells what it took."""
    from data import catalog

    figures = {"file_gigabytes": round((Path(data_dir) / FILES[name]).stat().st_size / 1e9, 2)}
    dataset, defaults = LOADS[name]
    overrides = defaults | overrides
    start = time.perf_counter()
    source = catalog.SOURCES[name]
    catalog.SOURCES[name] = dataclasses.replace(source, load=_timed(source.load, figures))
    sequences = catalog.load(dataset, data_dir, **overrides)
    figures["load_seconds"] = round(time.perf_counter() - start, 1)
    figures["load_peak_gigabytes"] = peak()
    start = time.perf_counter()
    again = catalog.load(dataset, data_dir, **overrides)
    figures["cached_seconds"] = round(time.perf_counter() - start, 1)
    assert np.array_equal(again.items, sequences.items)
    return figures | {"events": len(sequences), "notes": sequences.provenance.notes}


def _timed(load, figures):
    def timed(path):
        start = time.perf_counter()
        data = load(path)
        figures["parse_seconds"] = round(time.perf_counter() - start, 1)
        figures["parse_peak_gigabytes"] = peak()
        figures["rows"] = len(data)
        return data

    return timed


def peak() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2)


def measure(name: str, folder: Path, rows: int, **overrides) -> dict:
    """The figures of a fresh process that loads a generated file of `rows` rows; the file is removed afterwards."""
    start = time.perf_counter()
    path = write(name, folder, rows)
    print(f"{name}: wrote {path.stat().st_size / 1e9:.2f} GB in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    environment = os.environ | {"DATA_CACHE": str(folder / "cache")}
    call = f"probe({name!r}, {str(folder)!r}, {overrides!r})"
    command = [sys.executable, "-c", f"import json; from tests.test_scale import probe; print(json.dumps({call}))"]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    finally:
        path.unlink()
        for entry in (folder / "cache").glob("*"):
            entry.unlink()
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ROWS))
def test_full_size(name, tmp_path):
    if name == "taobao" and os.environ.get("SCALE_FULL") != "1":
        pytest.skip("set SCALE_FULL=1: needs 10 GB of disk and several minutes")
    figures = measure(name, tmp_path, ROWS[name])
    print(json.dumps(figures, indent=1))
    assert figures["rows"] == ROWS[name]
    assert figures["load_peak_gigabytes"] < MAX_GIGABYTES[name]


@pytest.mark.parametrize("name", sorted(ROWS))
def test_generated_files_load(name, tmp_path):
    """The same with few rows and no filter, so that the slow test cannot rot unnoticed."""
    figures = measure(name, tmp_path, 3_000, min_user=0, min_item=0, dedup="none")
    assert figures["rows"] == figures["events"] == 3_000


def list_memory(items: int, dim: int, users: int) -> float:
    """Gigabytes that lists of the 100 best take beyond the item matrix, in blocks; in a process of its own."""
    from tf_utils.keras_gate import tf
    from tf_utils.topk import top_k

    queries, matrix = (tf.random.stateless_normal([rows, dim], [0, rows]) for rows in (users, items + 1))
    run = tf.function(lambda queries: top_k(queries, matrix, 100), autograph=False)
    run(queries[:1])  # what TensorFlow itself needs
    before = peak()
    assert run(queries)[1].shape == (users, 100)
    return peak() - before


@pytest.mark.slow
def test_lists_take_bounded_memory():
    """All scores would be 4 GB, twice that with their copies."""
    call = "print(list_memory(1_000_000, 128, 1_000))"
    command = [sys.executable, "-c", f"from tests.test_scale import list_memory; {call}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.4


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(measure(sys.argv[1], Path(scratch), ROWS[sys.argv[1]]), indent=1))
