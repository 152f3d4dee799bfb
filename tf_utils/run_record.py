"""What a run leaves behind: one JSON file, its ranks a user beside it, and arrays for figures where there are any.

    <root>/<paper>/<dataset>/<model>[-<variant>]/<profile>-seed<k>[-<key>=<value>[,<key>=<value>]].json
    <same>.ranks.npz    users int32 [n]; "<protocol>.greater", ".equal", ".candidates" int32 [n], of the test part
    <same>.figures.npz  arrays by name

Reports, tables and tests are functions of these files alone. The JSON is removed first and written last, so one that
is there is complete and belongs to the arrays beside it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import platform
import re
import subprocess
import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tf_utils.cli import UserError
from tf_utils.files import make_folder
from tf_utils.ranking import Ranks

STOPPED_BY = ("patience", "max_epochs", "budget", "fitted")
_EXACT = ("config", "sweep")  # settings keep every digit; what was measured is rounded
_DIGITS = 6
_COUNTS = ("greater", "equal", "candidates")
_ROOT = Path(__file__).resolve().parent.parent
_RESULTS = "experiments/results"


@dataclass(frozen=True)
class RunRecord:
    """One run of one model on one data set. `metrics` and `validation`: {protocol: {metric: mean over users}}.

    variant: "paper" is the default and left out of the path.  sweep: what varies between runs that share everything
    above, {} or {key: value}.  config: the whole configuration, nested.  data_notes: sentences a reader must know.
    n_users: evaluated users.  parameters: trained numbers.  history: one entry an epoch or evaluation, {"epoch",
    "seconds" (of training, cumulative), "loss", "validation": {protocol: {metric: value}}}.  stopped_by: `STOPPED_BY`.
    commit, tree_clean, versions, device: see `environment`.
    """

    paper: str
    dataset: str
    model: str
    profile: str
    seed: int
    config: dict
    commit: str
    tree_clean: bool
    versions: dict
    device: dict
    data_fingerprint: str
    statistics: dict
    n_users: int
    parameters: int
    epochs: int
    best_epoch: int
    seconds_per_epoch: float
    stopped_by: str
    metrics: dict
    validation: dict
    variant: str = "paper"
    sweep: dict = field(default_factory=dict)
    data_notes: list = field(default_factory=list)
    synthetic: bool = False
    stand_in_for: str = ""
    history: list = field(default_factory=list)


class Key(NamedTuple):
    """What tells a run from all others: the fields of `RunRecord` that its file's place is made of."""

    paper: str
    dataset: str
    model: str
    variant: str
    profile: str
    seed: int
    sweep: Mapping[str, Any]


def path_for(root: str | Path, record: RunRecord | Key) -> Path:
    """Where the record's JSON file belongs under `root`. Raises UserError if a name cannot be part of a path."""
    for key in ("paper", "dataset", "model", "variant", "profile"):
        # A hyphen in a model's name would make "<model>-<variant>" ambiguous.
        allowed = r"[\w.+]+" if key == "model" else r"[\w.+-]+"
        if not re.fullmatch(allowed, getattr(record, key), re.ASCII) or set(getattr(record, key)) <= {"."}:
            raise UserError(
                f"{key} {getattr(record, key)!r} cannot be part of a file's name; use letters, digits and _"
            )
    model = record.model if record.variant == "paper" else f"{record.model}-{record.variant}"
    name = f"{record.profile}-seed{record.seed}"
    pairs = [f"{key}={_plain(value)}" for key, value in sorted(record.sweep.items())]
    for pair in pairs:
        if not re.fullmatch(r"[\w.+-]+=[\w.+-]+", pair, re.ASCII):
            raise UserError(f"sweep {pair!r} cannot be part of a file's name; use letters, digits and _")
    if pairs:
        name += "-" + ",".join(pairs)
    return Path(root) / record.paper / record.dataset / model / f"{name}.json"


def ranks_path(path: str | Path) -> Path:
    return _beside(path, "ranks")


def figures_path(path: str | Path) -> Path:
    return _beside(path, "figures")


def save(
    root: str | Path,
    record: RunRecord,
    ranks: Mapping[str, Ranks],
    figures: Mapping[str, np.ndarray] | None = None,
) -> Path:
    """Writes the run's files and returns the JSON's path; an earlier record of the same run is replaced.

    ranks: the test ranks under each protocol, all of the same users in the same order. Raises UserError, before
    anything is touched, for a record that `load` would refuse (a metric that is not finite, say).
    """
    path = path_for(root, record)
    content = {
        key: _jsonable(value, key, None if key in _EXACT else _DIGITS, path)
        for key, value in dataclasses.asdict(record).items()
    }
    _validated(content, path)
    text = json.dumps(content, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"
    arrays = _rank_arrays(ranks, record.n_users)
    make_folder(path.parent)
    temporary = {target: target.with_name(f".{target.name}.{os.getpid()}") for target in _all_paths(path)}
    try:
        for target, content_of in ((ranks_path(path), arrays), (figures_path(path), figures)):
            if content_of:
                with open(temporary[target], "wb") as file:
                    np.savez_compressed(file, allow_pickle=False, **content_of)
        temporary[path].write_text(text, encoding="utf-8")
        path.unlink(missing_ok=True)
        os.replace(temporary[ranks_path(path)], ranks_path(path))
        if figures:
            os.replace(temporary[figures_path(path)], figures_path(path))
        else:
            figures_path(path).unlink(missing_ok=True)
        os.replace(temporary[path], path)
    finally:
        for left_over in temporary.values():
            left_over.unlink(missing_ok=True)
    return path


def load(path: str | Path) -> RunRecord:
    """The record in a JSON file. Raises UserError, naming the file and the key, if it is missing or malformed."""
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such run record; train the model first") from error
    except ValueError as error:
        raise UserError(f"{path}: not a run record ({error}); delete it and run the model again") from error
    return RunRecord(**_validated(content, path))


def load_ranks(path: str | Path) -> dict[str, Ranks]:
    """{protocol: ranks} of the run whose JSON file is `path`."""
    beside = ranks_path(path)
    arrays = _load_arrays(beside)
    try:
        protocols = [name.removesuffix(".greater") for name in arrays if name.endswith(".greater")]
        return {p: Ranks(arrays["users"], *(arrays[f"{p}.{name}"] for name in _COUNTS)) for p in protocols}
    except KeyError as error:
        raise UserError(f"{beside}: array {error} is missing; delete it and run the model again") from error
    except ValueError as error:
        raise UserError(f"{beside}: {error}; delete it and run the model again") from error


def load_figures(path: str | Path) -> dict[str, np.ndarray]:
    """The arrays saved for figures with the run whose JSON file is `path`; {} if there are none."""
    return _load_arrays(figures_path(path)) if figures_path(path).exists() else {}


def find(root: str | Path, **where: Any) -> list[RunRecord]:
    """The records under `root` whose keys have the given values (`find(root, paper="asli", sweep={})`), by path.

    Raises UserError for a malformed record and for one whose place contradicts its content (a copied file counts as
    one more seed otherwise).
    """
    known = {f.name for f in dataclasses.fields(RunRecord)}
    if unknown := set(where) - known:
        raise TypeError(f"a run record has no key {sorted(unknown)[0]!r}")
    found = []
    for path in sorted(Path(root).glob("*/*/*/*.json")):
        record = load(path)
        if path_for(root, record) != path:
            raise UserError(f"{path}: its content says {path_for('', record)}; move it there or delete it")
        if all(getattr(record, key) == value for key, value in where.items()):
            found.append(record)
    return found


def _validated(content: Any, path: Path) -> dict:
    """`content` itself if it is a complete record, else UserError."""

    def refuse(key: str, why: str):
        raise UserError(f"{path}: key {key!r} {why}; delete the file and run the model again")

    kinds = {"str": str, "int": int, "float": (int, float), "bool": bool, "dict": dict, "list": list}
    words = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}
    if not isinstance(content, dict):
        raise UserError(f"{path}: not a run record (no JSON object); delete it and run the model again")
    fields = {f.name: f.type for f in dataclasses.fields(RunRecord)}
    for key in sorted(set(content) - set(fields)):
        refuse(key, "is unknown")
    for key, kind in fields.items():
        if key not in content:
            refuse(key, "is missing")
        value = content[key]
        if not isinstance(value, kinds[kind]) or (isinstance(value, bool) and kind != "bool"):
            refuse(key, f"must be {words.get(kind, 'a JSON object' if kind == 'dict' else 'a JSON list')}")
    for key in ("seed", "n_users", "parameters", "epochs", "best_epoch", "seconds_per_epoch"):
        if content[key] < 0:
            refuse(key, "must not be negative")
    if content["stopped_by"] not in STOPPED_BY:
        refuse("stopped_by", f"must be one of {', '.join(STOPPED_BY)}")
    if not all(isinstance(note, str) for note in content["data_notes"]):
        refuse("data_notes", "must be a list of sentences")
    if not content["metrics"]:
        refuse("metrics", "must not be empty")
    tables = {"metrics": content["metrics"], "validation": content["validation"]}
    for number, entry in enumerate(content["history"]):
        if not isinstance(entry, dict) or not _is_number(entry.get("epoch")) or not _is_number(entry.get("seconds")):
            refuse(f"history[{number}]", "must have the numbers epoch and seconds")
        if not _is_number(entry.get("loss", 0.0)):
            refuse(f"history[{number}].loss", "must be a number")
        tables[f"history[{number}].validation"] = entry.get("validation", {})
    for key, table in tables.items():
        if not isinstance(table, dict):
            refuse(key, "must be a JSON object of protocols")
        for protocol, values in table.items():
            if not isinstance(values, dict):
                refuse(f"{key}.{protocol}", "must be a JSON object of metrics")
            for name, value in values.items():
                if not _is_number(value):
                    refuse(f"{key}.{protocol}.{name}", "must be a number")
    return content


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _jsonable(value: Any, key: str, digits: int | None, path: Path) -> Any:
    """`value` in JSON's own types, floats rounded to `digits`. Raises UserError for a number that is not finite."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _jsonable(item, f"{key}.{name}", digits, path) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(item, f"{key}[{number}]", digits, path) for number, item in enumerate(value)]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise UserError(
                f"{path}: not written, because {key!r} is {value}; look for a diverged loss and run it again"
            )
        return value if digits is None else round(value, digits) + 0.0  # + 0.0: no "-0.0"
    if value is None or isinstance(value, (str, int)):
        return value
    raise TypeError(f"{key}: {type(value).__name__} cannot go into a run record")


def _rank_arrays(ranks: Mapping[str, Ranks], n_users: int) -> dict[str, np.ndarray]:
    if not ranks:
        raise ValueError("a run record needs the ranks of at least one protocol")
    users = next(iter(ranks.values())).users
    for protocol, each in ranks.items():
        if len(each) != n_users or not np.array_equal(each.users, users):
            raise ValueError(f"{protocol}: ranks of other users than the record's {n_users}")
    return {"users": users} | {f"{p}.{name}": getattr(r, name) for p, r in ranks.items() for name in _COUNTS}


def _load_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except FileNotFoundError as error:
        raise UserError(f"{path}: missing beside its run record; run the model again") from error
    except (
        *(ValueError, EOFError, AttributeError, NotImplementedError),
        *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
    ) as error:
        raise UserError(f"{path}: damaged ({error}); delete it and run the model again") from error


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _refuse_constant(name: str):
    raise ValueError(f"{name} is not a number")


def _beside(path: str | Path, kind: str) -> Path:
    return Path(path).with_name(Path(path).name.removesuffix(".json") + f".{kind}.npz")


def _all_paths(path: Path) -> tuple[Path, ...]:
    return path, ranks_path(path), figures_path(path)


def environment(accelerators: Sequence[str] = ()) -> dict:
    """{"commit", "tree_clean", "versions", "device"} for a run record; no host name, user name or path.

    commit: hash, or "unknown" outside a git checkout of the suite (tree_clean is False then).  tree_clean: no file
    differs from the commit; `experiments/results`, which the runs themselves fill, does not count.
    versions: of Python and of each package in requirements.txt.  device: {"cpu", "cores" (those this process may use),
    "memory_gib", "platform"}, and "accelerators" where the caller names some.
    """
    commit, clean = _commit()
    device = {"cpu": _cpu(), "cores": _cores(), "memory_gib": _memory_gib(), "platform": _platform()}
    if accelerators:
        device["accelerators"] = list(accelerators)
    return {"commit": commit, "tree_clean": clean, "versions": _versions(), "device": device}


def _commit() -> tuple[str, bool]:
    top, head = _git("rev-parse", "--show-toplevel"), _git("rev-parse", "HEAD")
    if not top or not head or Path(top).resolve() != _ROOT:  # a copy inside somebody else's checkout has no commit
        return "unknown", False
    return head, _git("--no-optional-locks", "status", "--porcelain", "--", ".", f":(exclude){_RESULTS}") == ""


def _git(*arguments: str) -> str | None:
    """What git prints, or None if there is no git or it fails."""
    try:
        done = subprocess.run(["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    pins = _ROOT / "requirements.txt"
    for line in pins.read_text(encoding="utf-8").splitlines() if pins.exists() else ():
        if name := re.match(r"[\w.-]+", line):
            try:
                found[name[0]] = metadata.version(name[0])
            except metadata.PackageNotFoundError:
                continue
    return found


def _cpu() -> str:
    try:
        model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        model = None
    return " ".join(model[1].split()) if model else platform.processor() or platform.machine()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_gib() -> float:
    """Physical memory, 0 where the system does not tell."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):
        return 0.0


def _platform() -> str:
    return f"{platform.system()} {platform.machine()}"
