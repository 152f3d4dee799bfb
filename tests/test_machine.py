"""Other processes' work is told from this one's own."""

import os

import pytest

from tf_utils import machine

TICKS = os.sysconf("SC_CLK_TCK")


@pytest.fixture
def clock(monkeypatch, tmp_path):
    """A machine of two cores whose counters a test sets: seconds on the clock, of all work, of idleness, of our own."""
    stat = tmp_path / "stat"
    monkeypatch.setattr(machine, "_STAT", stat)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)

    def set_(wall, worked, idle, own):
        user, nice, system, steal = (round(TICKS * worked * part) for part in (0.5, 0.25, 0.125, 0.125))
        idle, wait = round(TICKS * idle) - TICKS, TICKS
        stat.write_text(f"cpu  {user} {nice} {system} {idle} {wait} 0 0 {steal} 77 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n")
        monkeypatch.setattr(machine.time, "perf_counter", lambda: wall)
        monkeypatch.setattr(os, "times", lambda: os.times_result((own / 2, own / 4, own / 8, own / 8, wall)))

    return set_


@pytest.mark.parametrize(
    ("worked", "own", "share"),
    [(200.0, 200.0, 0.0), (100.0, 96.0, 0.02), (200.0, 100.0, 0.5), (120.0, 96.0, 0.12)],
    ids=["alone", "a daemon", "two of one thread", "a test run"],
)
def test_share_of_others(clock, worked, own, share):
    clock(1000.0, 800.0, 400.0, 40.0)
    others = machine.OtherWork()
    clock(1100.0, 800.0 + worked, 400.0 + 200.0 - worked, 40.0 + own)
    assert others.share() == pytest.approx(share, abs=1e-9)
    assert others.busy() == (share > 0.1)


def test_a_system_that_does_not_tell_counts_as_shared(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_STAT", tmp_path / "none")
    others = machine.OtherWork()
    assert others.share() == 1.0 and others.busy()


def test_reads_this_machine():
    assert 0.0 <= machine.OtherWork().share() <= 1.0
