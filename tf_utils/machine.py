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
        """Of the time of all cores, the part that others worked: 0 to 1, and 1 where the system does not tell."""
        now = _seconds()
        if now is None or self._began is None:
            return 1.0
        wall, everyone, own = (end - start for end, start in zip(now, self._began, strict=True))
        # The kernel counts in hundredths of a second: over a moment the ratio may be anything.
        return min(max(everyone - own, 0.0) / max(wall * (os.cpu_count() or 1), 1e-9), 1.0)

    def busy(self) -> bool:
        """Whether others took so much that this process's seconds are not those of the machine."""
        return self.share() > _LIMIT


def _seconds() -> tuple[float, float, float] | None:
    """The clock, the time that all cores have worked (for the hypervisor too), and what this process made of it."""
    try:
        fields = _STAT.read_text(encoding="ascii").partition("\n")[0].split()[1:9]
    except OSError:
        return None
    worked = sum(int(field) for i, field in enumerate(fields) if i not in _IDLE) / os.sysconf("SC_CLK_TCK")
    own = os.times()
    return time.perf_counter(), worked, own.user + own.system + own.children_user + own.children_system
