"""The run records of one paper and profile, and the questions that tables and claims ask of them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from experiments.differences import MAY_DIFFER, differences
from experiments.papers.schema import KEPT, LIMITS, SECONDS, Key, Paper, Sweep
from experiments.reporting import data_notes
from experiments.reporting.estimates import Estimate, summary
from experiments.reporting.sources import SAME, STAND_IN, SYNTHETIC, Measured, Printed
from tf_utils import ranking, run_record, significance
from tf_utils.cli import UserError
from tf_utils.run_record import RunRecord

_OWN = MAY_DIFFER | {"train.seed", "train.groups"}  # of a configuration: each seed's run may have its own


class Results:
    """Records of one paper and profile, by data set and `Key`; an empty list of records is allowed.

    Raises UserError where two records answer for the same run, or one data set is both real and synthetic.
    """

    def __init__(self, paper: Paper, profile: str, records: Sequence[RunRecord], root: str | Path = ""):
        self.paper, self.profile, self.root = paper, profile, root
        self.data_notes = data_notes.load(root)
        self.all = sorted(records, key=lambda r: (r.dataset, r.model, r.variant, str(r.sweep), r.seed))
        self._runs: dict[tuple[str, Key], list[RunRecord]] = {}
        for record in self.all:
            same = self._runs.setdefault((record.dataset, self._key_of(record)), [])
            if any(other.seed == record.seed for other in same):
                path = run_record.path_for(root, record)
                raise UserError(f"{path}: another record is of the same run, under a default's own name; delete one")
            same.append(record)
        self._synthetic = {}
        for record in self.all:
            if self._synthetic.setdefault(record.dataset, record.synthetic) != record.synthetic:
                raise UserError(
                    f"records of {record.dataset} come from real and from synthetic data; delete one kind and rerun"
                )
        known = [name for name in paper.datasets if name in self._synthetic]
        self.datasets = known + sorted(set(self._synthetic) - set(known))
        self._timing = self._made_for_seconds()
        self.compare = cache(self._compare)
        self.p_value = cache(self._p_value)
        self.kind = cache(self._kind)
        self.per_user = cache(self._per_user_mean)
        self._figures = cache(run_record.load_figures)
        self._read: set[tuple[str, Key]] = set()

    def sources(self, table: str) -> list[Measured]:
        """The measured results and the printed ones, for the table of that id (or a table of statistics)."""
        found = next((t for t in self.paper.tables if t.id == table), None)
        return [Measured(self, found.protocol if found else ""), Printed(self, found)]

    def measured(self, figure: str) -> Measured:
        return Measured(self, self.paper.figure(figure).protocol)

    def key(self, dataset: str, key: Key) -> Key:
        """The key under which runs are found: without the values a plain run already has, all values as text."""
        return key._replace(sweep=tuple((k, str(v)) for k, v in self.paper.canonical(dataset, key)))

    def keys(self, dataset: str) -> list[Key]:
        return [key for name, key in self._runs if name == dataset]

    def records(self, dataset: str, key: Key) -> list[RunRecord]:
        found = (dataset, self.key(dataset, key))
        self._read.add(found)
        return self._runs.get(found, [])

    def mixed(self, dataset: str) -> list[Key]:
        """Those whose runs differ in more than their seed."""
        runs = {key: self._runs[dataset, key] for key in self.keys(dataset)}
        return [key for key, found in runs.items() if any(_differ(found[0].config, r.config) for r in found[1:])]

    def begin(self) -> None:
        """A claim is about to be tested: `unfinished` counts the runs that are read from here on."""
        self._read.clear()

    def told(self, dataset: str) -> None:
        """A finding rests on what was read of the data set: the next one begins anew."""
        self._read = {found for found in self._read if found[0] != dataset}

    def unfinished(self, dataset: str) -> int:
        """How many of the runs read since `begin`, or since the data set's last finding, were ended by a limit before
        early stopping could end them."""
        read = [record for key in self._read if key[0] == dataset for record in self._runs.get(key, [])]
        return sum(bool(self.cut(record)) for record in read)

    def cut(self, record: RunRecord) -> str:
        """The limit (a name of `LIMITS`) that ended a run before early stopping could, "" if none did or if the run was
        made for its seconds alone, which a few epochs tell."""
        made_for_seconds = (record.dataset, self._key_of(record)) in self._timing
        return "" if made_for_seconds else LIMITS.get(record.stopped_by, "")

    def _made_for_seconds(self) -> set[tuple[str, Key]]:
        """The runs that figures of seconds an epoch read, and nothing else does."""
        figures = {figure.id for figure in self.paper.figures if figure.kind in SECONDS}
        runs = self.paper.runs(self.profile, [name for name in self.datasets if name in self.paper.datasets])
        return {
            (run.dataset, self.key(run.dataset, Key(run.model, run.variant, run.sweep)))
            for run in runs
            if figures.issuperset(run.purpose)
        }

    def _key_of(self, record: RunRecord) -> Key:
        swept = tuple(sorted(record.sweep.items()))
        return self.key(record.dataset, Key(record.model, record.variant, swept))

    def of_dataset(self, dataset: str) -> list[RunRecord]:
        return [record for record in self.all if record.dataset == dataset]

    def _kind(self, dataset: str) -> str:
        """`same data` as the paper's, `stand-in` (real, other data) or `synthetic` (made by the generator)."""
        if self._synthetic.get(dataset):
            return SYNTHETIC
        data = self.paper.datasets.get(dataset)
        return SAME if data is not None and data.published and self._of_printed_size(dataset) else STAND_IN

    def _of_printed_size(self, dataset: str) -> bool:
        """Whether the records' users and interactions are within `same_within` of the printed ones."""
        within = self.paper.datasets[dataset].same_within
        if not within or dataset not in self._synthetic:
            return True
        printed = [(key, cells[dataset]) for t in self.paper.statistics for _, key, cells in t.rows if dataset in cells]
        sizes = [(self.statistic(dataset, k), cell) for k, cell in printed if k in ("users", "interactions")]
        return all(ours is not None and abs(ours / cell.value - 1) <= within for ours, cell in sizes)

    def place(self, dataset: str) -> str:
        """The data set's label, saying so where the generator made it."""
        data = self.paper.datasets.get(dataset)
        return (data.label if data else dataset) + (" (synthetic)" if self._synthetic.get(dataset) else "")

    def label(self, key: Key, table: str) -> str:
        others = [t for t in self.paper.tables if t.id != table]
        for row in (row for t in (self.paper.table(table), *others) for row in t.rows):
            if row.key == key or (row.key.model, row.key.variant, key.sweep) == (key.model, key.variant, row.key.sweep):
                return row.label
        return " ".join(
            (key.model, *(() if key.variant == "paper" else (key.variant,)), *(f"{k}={v}" for k, v in key.sweep))
        )

    def estimate(self, dataset: str, key: Key, protocol: str, metric: str) -> Estimate | None:
        """Mean and sd of a test metric over the seeds; None if no record has it.

        protocol: `KEPT` for a number that the runs keep among their arrays.
        """
        found = self._values(dataset, key, protocol, metric)
        return summary([value for _, value in found], filter(None, (self.cut(record) for record, _ in found)))

    def means(self, dataset: str, keys: Sequence[Key], protocol: str, metric: str) -> list[float | None]:
        """`estimate`'s means over the seeds that all of `keys` were run with, so that none is steadier than another;
        None for a key that was not run at all."""
        shared = self._shared_seeds(dataset, keys, protocol, metric)
        found = [self._values(dataset, key, protocol, metric) for key in keys]
        kept = [[value for r, value in values if shared is None or r.seed in shared] for values in found]
        return [statistics.fmean(values) if values else None for values in kept]

    def _shared_seeds(self, dataset: str, keys: Sequence[Key], protocol: str, metric: str) -> frozenset[int] | None:
        """Those that all of `keys` that were run have; None, for all seeds of each, where there is none."""
        found = [{r.seed for r, _ in self._values(dataset, key, protocol, metric)} for key in keys]
        return frozenset.intersection(*map(frozenset, filter(None, found))) or None if any(found) else None

    def _values(self, dataset: str, key: Key, protocol: str, metric: str) -> list[tuple[RunRecord, float]]:
        if protocol == KEPT:
            return [(r, float(arrays[metric])) for r, arrays in self._kept(dataset, key) if metric in arrays]
        records = self.records(dataset, key)
        return [(r, r.metrics[protocol][metric]) for r in records if metric in r.metrics.get(protocol, {})]

    def arrays(self, dataset: str, key: Key) -> list[dict[str, np.ndarray]]:
        """What each run kept for figures, by seed; runs that kept nothing are left out."""
        return [arrays for _, arrays in self._kept(dataset, key)]

    def _kept(self, dataset: str, key: Key) -> list[tuple[RunRecord, dict[str, np.ndarray]]]:
        runs = [(r, self._figures(run_record.path_for(self.root, r))) for r in self.records(dataset, key)]
        return [(record, arrays) for record, arrays in runs if arrays]

    def fingerprint(self, dataset: str) -> str:
        """Of the data that most records of the data set were made from (a sweep may vary the data itself)."""
        plain = [r.data_fingerprint for r in self.of_dataset(dataset) if not r.sweep]
        return statistics.mode(plain or [r.data_fingerprint for r in self.of_dataset(dataset)])

    def statistic(self, dataset: str, name: str) -> float | None:
        """A number of a record's `statistics`; `name` may be `a.b` for a nested one and offer alternatives with `|`.

        `sparsity`: the share of (user, item) pairs that do not occur.  `density`: interactions over users times items,
        more than the share of pairs that occur where pairs repeat.
        """
        if name == "density":
            counts = [self.statistic(dataset, key) for key in ("interactions", "users", "items")]
            return None if None in counts else counts[0] / (counts[1] * counts[2])
        if name == "sparsity":
            density = self.statistic(dataset, "density_user_item")
            return None if density is None else 1 - density
        for option in name.split("|"):
            head, _, rest = option.partition(".")
            for record in self.of_dataset(dataset):
                if record.data_fingerprint != self.fingerprint(dataset):
                    continue  # a sweep over the data itself
                value = record.statistics.get(head)
                value = value.get(rest) if rest and isinstance(value, dict) else value
                if isinstance(value, int | float):
                    return float(value)
        return None

    def ceiling(
        self, dataset: str, protocol: str, metric: str, name: str = "ceiling", sweep: Sweep = ()
    ) -> float | None:
        """Of generated data: what a scorer that knows the process reaches (experiments/ceiling.py); None if unknown.

        name: "ceiling", "ceiling_blind" or "ceiling_chance".  sweep: of runs whose data differ from the others'.
        """
        wanted = self.key(dataset, Key("", "", sweep)).sweep
        for record in self.of_dataset(dataset):
            if self.key(dataset, Key("", "", tuple(sorted(record.sweep.items())))).sweep == wanted:
                value = record.statistics.get(name, {}).get(protocol, {}).get(metric)
                if value is not None:
                    return float(value)
        return None

    def chance(self, dataset: str, protocols: Sequence[str], metrics: Sequence[str]) -> dict[str, dict[str, float]]:
        """{protocol: {metric: value}} of a scorer that gives every candidate the same score, on one run's lists."""
        plain = [r for r in self.of_dataset(dataset) if not r.sweep]
        if not plain:
            return {}
        ranks = self._ranks(plain[0])
        return {
            p: {m: float(ranking.per_user(ranks[p].at_chance(), m).mean()) for m in metrics}
            for p in protocols
            if p in ranks
        }

    def _ranks(self, record: RunRecord) -> dict[str, ranking.Ranks]:
        """The ranks beside a record. Raises UserError where they are of other users."""
        path = run_record.path_for(self.root, record)
        ranks = run_record.load_ranks(path)
        if any(len(each) != record.n_users for each in ranks.values()):
            raise UserError(f"{run_record.ranks_path(path)}: not of {record.n_users} users; run the model again")
        return ranks

    def _per_user_mean(self, dataset: str, key: Key, protocol: str, metric: str, seeds: frozenset[int] | None = None):
        """(users, the metric of each averaged over seeds, all or `seeds`); None without ranks."""
        runs = []
        for record in self.records(dataset, key):
            if seeds is not None and record.seed not in seeds:
                continue
            ranks = self._ranks(record)
            if protocol in ranks:
                runs.append((ranks[protocol].users, ranking.per_user(ranks[protocol], metric)))
        return significance.mean_over_seeds(runs) if runs else None

    def _paired(
        self, dataset: str, a: Key, b: Key, protocol: str, metric: str, seeds: frozenset[int] | None = None
    ) -> tuple[np.ndarray, np.ndarray] | None:
        first, second = (self.per_user(dataset, key, protocol, metric, seeds) for key in (a, b))
        if first is None or second is None:
            return None
        return significance.paired(*first, *second)[1:]

    def _compare(self, dataset: str, a: Key, b: Key, protocol: str, metric: str) -> significance.Comparison | None:
        """a against b, a user's metric averaged over seeds first; None without ranks of both."""
        pair = self._paired(dataset, a, b, protocol, metric)
        training = self._training(dataset, (a, b), protocol, metric)
        return None if pair is None else significance.compare(*pair, training=training)

    def _p_value(
        self,
        dataset: str,
        a: Key,
        b: Key,
        protocol: str,
        metric: str,
        times: float = 1.0,
        among: tuple[Key, ...] = (),
    ) -> float | None:
        seeds = self._shared_seeds(dataset, among, protocol, metric)
        pair = self._paired(dataset, a, b, protocol, metric, seeds)
        if pair is None:
            return None
        training = self._training(dataset, (a, b), protocol, metric, times, seeds, among)
        return significance.p_value(pair[0] - times * pair[1], training)

    def _training(
        self,
        dataset: str,
        keys: Sequence[Key],
        protocol: str,
        metric: str,
        times: float = 1.0,
        seeds: frozenset[int] | None = None,
        among: Sequence[Key] = (),
    ) -> tuple[significance.Variance, ...]:
        """How the means of two models, `times` the second's, vary with their seeds. A model of one seed is taken to
        vary as the other one does: they share one estimate then, and its degrees of freedom. One that is fitted by
        counting does not vary. () where neither has a second seed, nor any of `among`: of models that differ in one
        setting, the one with the most seeds lends its estimate to those of one. All seeds tell how much one varies,
        also where the means are of `seeds` alone."""
        found = []
        for factor, key in zip((1.0, times), keys, strict=True):
            estimate, records = self.estimate(dataset, key, protocol, metric), self.records(dataset, key)
            if estimate is not None and any(record.history for record in records):
                averaged = sum(record.seed in seeds for record in records) if seeds else estimate.n
                found.append((factor**2 / averaged, estimate))
        several = [estimate for _, estimate in found if estimate.sd is not None]
        if len(several) == len(found):
            return tuple(significance.Variance(weight * e.sd**2, e.n - 1) for weight, e in found)
        if not several:
            kin = [e for key in among if (e := self.estimate(dataset, key, protocol, metric)) and e.sd is not None]
            several = [max(kin, key=lambda e: e.n)] if kin else []
        weights = sum(weight for weight, _ in found)
        return tuple(significance.Variance(weights * e.sd**2, e.n - 1) for e in several)


def _differ(a: Mapping, b: Mapping) -> bool:
    """Whether two configurations disagree on something beyond `_OWN`. A flag that one of them does not have is newer
    than that record, which had its default."""
    missing = object()
    return any(name not in _OWN and missing not in (x, y) for name, x, y in differences(a, b, missing))


def collect(paper: Paper, root: str | Path, profile: str = "") -> Results:
    """The records of `paper` under `root`, of one profile: the one asked for, else `paper` if present, else `quick`.

    A root that does not exist holds no records. Raises UserError for malformed records.
    """
    records = run_record.find(root, paper=paper.name) if Path(root).exists() else []
    present = {record.profile for record in records}
    profile = profile or next((name for name in ("paper", "quick") if name in present), "quick")
    return Results(paper, profile, [record for record in records if record.profile == profile], root)
