"""A paper's tables, figures and claims as data: what was printed, under which protocol, and the runs that answer it.

A module of this package holds one `Paper`. Everything a report says about a paper comes from there and from run
records; everything `reproduce` trains comes from `Paper.runs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

Sweep = tuple[tuple[str, Any], ...]  # ((key, value), ...), sorted by key; () for a plain run

PROFILES = ("quick", "paper")
SECONDS = ("cost", "ratio")  # kinds of figures that read seconds an epoch and no metric
LIMITS = {"budget": "budget", "max_epochs": "epochs"}  # stopped_by of a run that was still learning -> as told
HOLDS, FAILS, UNTESTED = "holds", "does not hold", "not tested"
HISTORY_NOTE = "not in the paper; scores an item by whether the history has it, and knows nothing else"
KEPT = "kept"  # as a protocol: numbers that runs keep among their arrays, by name
PLAIN_FIGURES = ("curve", "maps", "hits", "concepts", "interests", "scatter")  # kinds that sweep nothing


def sweep_of(**values: Any) -> Sweep:
    return tuple(sorted(values.items()))


class Key(NamedTuple):
    """Which runs of a data set a number comes from."""

    model: str
    variant: str = "paper"
    sweep: Sweep = ()


@dataclass(frozen=True)
class Cell:
    """A published number as printed ("0.5273", "1,682", "6.30%"); misprints stay, with a note.

    hundredths: printed as a percentage with the sign left out.
    """

    printed: str
    note: str = ""
    hundredths: bool = False

    @property
    def percent(self) -> bool:
        return self.printed.endswith("%")

    @property
    def value(self) -> float:
        """The number meant: a percentage is a share."""
        return float(self.printed.rstrip("%").replace(",", "")) / self._unit

    @property
    def half_unit(self) -> float:
        """Half a unit of the last printed digit: how far rounding may have moved the number."""
        mantissa, _, exponent = self.printed.rstrip("%").partition("e")
        digits = len(mantissa.partition(".")[2]) - int(exponent or 0)
        return 0.5 * 10.0**-digits / self._unit

    @property
    def _unit(self) -> int:
        return 100 if self.percent or self.hundredths else 1


@dataclass(frozen=True)
class DataSet:
    """A column of our tables.

    name: the data set's name in flags and records.  label: for people.
    defaults: sweep values that the plain run already has, e.g. {"kernel_size": 10}.
    beside: name of the published column shown beside it.  published: the paper itself reports this data set, so that
    numbers may be compared if the data is real.  needs: what a user must supply when nothing was run.
    repeats: targets can repeat the history.  short: short histories, in the paper's sense.
    size: `small` (all seeds), `large` (all seeds for the models a table names, few for the rest), `few` (few for all).
    differs: how this data differs from what is published under `beside`, in a few words.  same_within: real data under
    this name are the paper's only if users and interactions are within that share of the printed statistics (a snapshot
    of a growing data set may be another one); 0: not checked.
    """

    name: str
    label: str
    beside: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    published: bool = False
    needs: str = ""
    repeats: bool = False
    short: bool = False
    size: str = "small"
    differs: str = ""
    same_within: float = 0.0


def repeating(data: DataSet) -> bool:
    return data.repeats


@dataclass(frozen=True)
class Row:
    """A line of a table: the run it shows, and what was printed (data set -> metric -> Cell; nothing if it is ours).

    seeds: data set -> seeds of the paper profile, where the table's own rule does not fit.  aside: the row is ours, and
    what is published stands beside it for comparison (another form of the paper's own model).
    """

    label: str
    model: str
    variant: str = "paper"
    sweep: Sweep = ()
    published: Mapping[str, Mapping[str, Cell]] = field(default_factory=dict)
    note: str = ""
    where: Callable[[DataSet], bool] | None = None  # the data sets that it is for; None: all of the table's
    deterministic: bool = False  # fitted by counting: one seed is all there is
    seeds: Mapping[str, int] = field(default_factory=dict)
    aside: bool = False

    @property
    def extra(self) -> bool:
        return self.aside or not self.published

    @property
    def key(self) -> Key:
        return Key(self.model, self.variant, self.sweep)

    def is_for(self, data: DataSet) -> bool:
        return self.where is None or self.where(data)


@dataclass(frozen=True)
class Table:
    """A table of results. `tolerance` (absolute, or a share of the published number if `relative`) decides within,
    above or below; `cause` says why ours may differ.

    subject: label of the row that is tested against its strongest rival.  pairs: labels of rows that are tested against
    each other, (row, against).  seeds: of the paper profile on small data
    sets; on large ones only the models in `keep_seeds` have as many, the others and `few_seed_variants` `few_seeds`.
    quick_variants: the variants that the quick profile runs, one seed each.  also: further protocols, shown beside the
    same published numbers; the report says which of them fits better.  percent: numbers are shown as percentages.
    """

    id: str
    title: str
    section: str
    protocol: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    datasets: tuple[str, ...]
    selection: str
    tolerance: float
    cause: str
    subject: str = ""
    notes: tuple[str, ...] = ()
    seeds: int = 3
    few_seeds: int = 1
    keep_seeds: frozenset[str] = frozenset()
    few_seed_variants: frozenset[str] = frozenset()
    quick_variants: frozenset[str] = frozenset({"paper"})
    relative: bool = False
    pairs: tuple[tuple[str, str], ...] = ()
    also: tuple[str, ...] = ()
    percent: bool = False

    def printed_rows(self) -> list[Row]:
        """The rows that stand in the paper's own table: one for each line, whatever forms of ours are beside it."""
        found: list[Row] = []
        for row in self.rows:
            if row.published and not row.aside and all(row.published != other.published for other in found):
                found.append(row)
        return found


@dataclass(frozen=True)
class Statistics:
    """A table of data statistics: rows are (label, key of a record's `statistics`, data set -> Cell)."""

    id: str
    title: str
    section: str
    rows: tuple[tuple[str, str, Mapping[str, Cell]], ...]
    datasets: tuple[str, ...]
    tolerance: float  # relative
    cause: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """One curve of a figure. printed: data set -> the published number of a `ratio`."""

    label: str
    model: str
    variant: str = "paper"
    printed: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """kind `sweep`: a test metric against the swept parameter.  `curve`: a validation metric against training seconds.
    `cost`: seconds an epoch against the swept parameter.  `ratio`: seconds an epoch of the first line over those of the
    second, at each value.  `maps`: the square arrays that a run keeps for some users under `array`, as heat maps.
    `hits`: the metric among users with and without items like the target in their recent history (kept arrays
    `recent.*`), and by how many.  `concepts`: the nearest items of some concepts (kept arrays `concepts.*`).
    `interests`: distributions over interests along some users' histories, before and after their interaction (kept
    arrays `interests.*`).  `gain`: by how much the first line's metric is above the second's, at each value.  `scope`:
    a kept average attention map at each value (arrays `scope.*`).  `scatter`: projected item vectors of frequent and
    infrequent items (kept arrays `vectors.*`).

    values: of the parameter (none for `PLAIN_FIGURES`).  overrides: config values that these runs alone need;
    overrides_at: value -> the same, of the runs at this value.
    published: what the paper says about it, since figures print no numbers.  seeds: data set -> seeds of the paper
    profile, 1 where nothing is said.  users: the raw user ids that the paper shows (maps).
    """

    id: str
    title: str
    section: str
    kind: str
    metric: str
    protocol: str
    lines: tuple[Line, ...]
    datasets: tuple[str, ...]
    published: str
    parameter: str = ""
    parameter_label: str = ""
    values: tuple[Any, ...] = ()
    quick_values: tuple[Any, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    overrides_at: Mapping[Any, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    log_x: bool = False
    seeds: Mapping[str, int] = field(default_factory=dict)
    array: str = ""
    users: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What one data set says about a claim.

    noise: the difference it rests on is within noise; None if unknown.  unfinished: how many of the runs it rests on
    were ended by a limit (`LIMITS`) before early stopping could end them.
    """

    verdict: str
    evidence: str
    where: str = ""
    kind: str = "stand-in"  # "same data", "stand-in", "synthetic" or "published" (the paper's own printed table)
    noise: bool | None = None
    unfinished: int = 0


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper. `test` maps collected results to findings, one a data set; none means not tested."""

    id: str
    quote: str
    section: str
    criterion: str  # how the test decides, in one sentence
    test: Callable[[Any], Sequence[Finding]]
    note: str = ""


@dataclass(frozen=True)
class Run:
    """One training run for each of `seeds`; `overrides` are config values beyond the data set's own config."""

    paper: str
    dataset: str
    model: str
    variant: str = "paper"
    sweep: Sweep = ()
    overrides: tuple[tuple[str, Any], ...] = ()
    seeds: tuple[int, ...] = (1,)
    purpose: tuple[str, ...] = ()  # the tables and figures that read it


@dataclass(frozen=True)
class Paper:
    """name: of the module and of the records' `paper`.  datasets: by name, in the order of our columns.

    variant_defaults: (model, variant) -> sweep values that its plain run already has, before a data set's defaults.
    """

    name: str
    title: str
    citation: str
    datasets: Mapping[str, DataSet]
    statistics: tuple[Statistics, ...]
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]
    claims: tuple[Claim, ...]
    notes: tuple[str, ...] = ()
    variant_defaults: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)

    def table(self, id: str) -> Table:
        return next(table for table in self.tables if table.id == id)

    def figure(self, id: str) -> Figure:
        return next(figure for figure in self.figures if figure.id == id)

    def canonical(self, dataset: str, key: Key) -> Sweep:
        """The key's sweep without the values that the plain run already has, so that no run is made twice."""
        defaults = dict(self.variant_defaults.get((key.model, key.variant), {}))
        defaults |= self.datasets[dataset].defaults if dataset in self.datasets else {}
        return tuple(sorted((k, v) for k, v in key.sweep if str(defaults.get(k)) != str(v)))

    def runs(self, profile: str, datasets: Iterable[str]) -> list[Run]:
        """Exactly the runs that the tables and figures need on `datasets`, each once.

        Order: table by table and figure by figure, data set by data set, so that an interrupted reproduction has whole
        tables first. A run that several of them read has the most seeds that one of them asks for.
        Raises ValueError for an unknown profile or data set.
        """
        if profile not in PROFILES:
            raise ValueError(f"profile {profile!r}; choose one of {', '.join(PROFILES)}")
        datasets = list(datasets)
        for name in datasets:
            if name not in self.datasets:
                raise ValueError(
                    f"data set {name!r} is not part of {self.name}; choose from {', '.join(self.datasets)}"
                )
        found: dict[tuple, Run] = {}
        for run in (*self._table_runs(profile, datasets), *self._figure_runs(profile, datasets)):
            key = (run.dataset, run.model, run.variant, run.sweep)
            if key in found:
                old = found[key]
                purpose = old.purpose + tuple(p for p in run.purpose if p not in old.purpose)
                run = replace(old, seeds=max(old.seeds, run.seeds, key=len), purpose=purpose)
            found[key] = run
        return list(found.values())

    def _table_runs(self, profile: str, datasets: list[str]) -> Iterable[Run]:
        for table in self.tables:
            for name in (d for d in table.datasets if d in datasets):
                data = self.datasets[name]
                for row in table.rows:
                    if not row.is_for(data):
                        continue
                    if profile == "quick" and row.variant not in table.quick_variants:
                        continue
                    kept = data.size == "small" or (data.size == "large" and row.model in table.keep_seeds)
                    kept = kept and row.variant not in table.few_seed_variants
                    seeds = row.seeds.get(name, table.seeds if kept else table.few_seeds)
                    seeds = 1 if profile == "quick" or row.deterministic else seeds
                    sweep = self.canonical(name, row.key)
                    yield self._run(name, row.model, row.variant, sweep, seeds, table.id)

    def _figure_runs(self, profile: str, datasets: list[str]) -> Iterable[Run]:
        for figure in self.figures:
            values = (figure.quick_values if profile == "quick" else figure.values) or (None,)
            if figure.kind not in PLAIN_FIGURES and values == (None,):
                continue
            for name in (d for d in figure.datasets if d in datasets):
                for line in figure.lines:
                    for value in values:
                        swept = () if value is None else ((figure.parameter, value),)
                        sweep = self.canonical(name, Key(line.model, line.variant, swept))
                        seeds = 1 if profile == "quick" else figure.seeds.get(name, 1)
                        run = self._run(name, line.model, line.variant, sweep, seeds, figure.id)
                        # A figure's overrides belong to its own runs, never to a plain run that it shares.
                        own = {**figure.overrides, **figure.overrides_at.get(value, {})}
                        yield replace(run, overrides=tuple(own.items())) if sweep else run

    def _run(self, dataset: str, model: str, variant: str, sweep: Sweep, seeds: int, purpose: str) -> Run:
        return Run(self.name, dataset, model, variant, sweep, (), tuple(range(1, seeds + 1)), (purpose,))
