"""Whether a process has the machine to itself: seconds measured beside other work are not compared with others."""

import os
import time
from pathlib import Path

_STAT = Path("/proc/stat")
_IDLE = (3, 4)  # idle and iowait, of the fields of the line of all cores
_LIMIT = 0.1


class OtherWork:
    """What other processes take of the machine's cores, from the object's making on.

    A load average does not tell: two processes of one thread on two cores are no more than the cores can bear, and each
    is slower than alone, for they share caches and memory.
    """

    def __init__(self):
        self._began = _seconds()

    def share(self) -> float:
        """Of the time of all cores, the part that was not this process's own, though they were at work: 0 to 1."""
        wall, everyone, own = (now - then for now, then in zip(_seconds(), self._began, strict=True))
        return max(everyone - own, 0.0) / max(wall * (os.cpu_count() or 1), 1e-9)

    def busy(self) -> bool:
        """Whether others took so much that this process's seconds are not those of the machine."""
        return self.share() > _LIMIT


def _seconds() -> tuple[float, float, float]:
    """The clock, the time that all cores have worked (for the hypervisor too), and what this process made of it."""
    own = os.times()
    ticks = [int(field) for field in _STAT.read_text(encoding="ascii").partition("\n")[0].split()[1:9]]
    worked = sum(ticks) - sum(ticks[i] for i in _IDLE)
    return (
        time.perf_counter(),
        worked / os.sysconf("SC_CLK_TCK"),
        own.user + own.system + own.children_user + own.children_system,
    )
