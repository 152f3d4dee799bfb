"""Whom claims ask: what was measured here, and what the paper itself printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from experiments.papers.schema import Finding, Key, Table
from experiments.reporting.estimates import Estimate
from tf_utils.run_record import RunRecord

if TYPE_CHECKING:
    from experiments.reporting.collect import Results

SAME, STAND_IN, SYNTHETIC, PRINTED = "same data", "stand-in", "synthetic", "published"


class Measured:
    """What the records say about one table's protocol. `source.finding(...)` labels a finding with its data set."""

    def __init__(self, results: Results, protocol: str):
        self.results, self.protocol = results, protocol
        self.datasets = [name for name in results.datasets if name in results.paper.datasets]  # the others: no claim

    def kind(self, dataset: str) -> str:
        return self.results.kind(dataset)

    def place(self, dataset: str) -> str:
        return self.results.place(dataset)

    def records(self, dataset: str, key: Key) -> list[RunRecord]:
        return self.results.records(dataset, key)

    def estimate(self, dataset: str, key: Key, metric: str) -> Estimate | None:
        return self.results.estimate(dataset, key, self.protocol, metric)

    def means(self, dataset: str, keys: Sequence[Key], metric: str) -> list[float | None]:
        return self.results.means(dataset, keys, self.protocol, metric)

    def p_value(
        self, dataset: str, a: Key, b: Key, metric: str, times: float = 1.0, among: Sequence[Key] = ()
    ) -> float | None:
        """Of no difference between the means of `a` and `times` those of `b`; None without ranks.

        among: `means` of these are compared, so that their shared seeds alone count.
        """
        return self.results.p_value(dataset, a, b, self.protocol, metric, times, tuple(among))

    def statistic(self, dataset: str, name: str) -> float | None:
        return self.results.statistic(dataset, name)

    def timed(self, dataset: str, keys: Sequence[Key]) -> list[list[RunRecord]] | None:
        """Each key's runs whose seconds may be compared: those that had the machine to themselves.

        None if a key has no such run, or if they are of several kinds of machine.
        """
        runs = [[r for r in self.records(dataset, key) if not r.device.get("busy")] for key in keys]
        machines = {str(record.device) for records in runs for record in records}
        return runs if all(runs) and len(machines) == 1 else None

    def finding(self, dataset: str, verdict: str, evidence: str, noise: bool | None = None) -> Finding:
        """What was read of the data set since its last finding is what this one rests on."""
        found = Finding(verdict, evidence, self.place(dataset), self.kind(dataset), noise, self.unfinished(dataset))
        self.results.told(dataset)
        return found

    def unfinished(self, dataset: str) -> int:
        return self.results.unfinished(dataset)


class Printed(Measured):
    """The paper's own printed table, asked the same questions: no seeds, no users, so no noise."""

    def __init__(self, results: Results, table: Table | None):
        super().__init__(results, "")
        names = {name for row in table.rows for name in row.published} if table else set()
        self.table, self.datasets = table, [name for name in results.paper.datasets if name in names]
        if table is None:
            self.datasets = [n for n, d in results.paper.datasets.items() if d.published]

    def kind(self, dataset: str) -> str:
        return PRINTED

    def place(self, dataset: str) -> str:
        return f"the paper's own {self.results.paper.datasets[dataset].label}"

    def records(self, dataset: str, key: Key) -> list[RunRecord]:
        return []

    def estimate(self, dataset: str, key: Key, metric: str) -> Estimate | None:
        """Printed in this table or, under the same protocol, in another one."""
        wanted = self.results.key(dataset, key)
        if self.table is None:
            return None
        others = [t for t in self.results.paper.tables if t is not self.table and t.protocol == self.table.protocol]
        for row in (row for table in (self.table, *others) for row in table.rows):
            cell = row.published.get(dataset, {}).get(metric)
            if cell is not None and self.results.key(dataset, row.key) == wanted:
                return Estimate(cell.value, None, 1)
        return None

    def p_value(
        self, dataset: str, a: Key, b: Key, metric: str, times: float = 1.0, among: Sequence[Key] = ()
    ) -> float | None:
        return None

    def unfinished(self, dataset: str) -> int:
        return 0

    def statistic(self, dataset: str, name: str) -> float | None:
        for table in self.results.paper.statistics:
            for _, key, cells in table.rows:
                if name in key.split("|") and dataset in cells:
                    return cells[dataset].value
        return None
