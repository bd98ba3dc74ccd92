# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""Hostile guests (guests/probe): each tries what the interface must refuse and prints a line for it.

An innocent guest runs beside them all. At the end it, dom0 and the hypervisor are as before.
"""
import re

import pytest

from machine import BUILD

CONSOLES = "/var/log/xen/console"
PROBE = BUILD / "guests" / "probe.elf"
CONFIG = """
type = "pv"
kernel = "/files/probe"
memory = 32
vcpus = 2
on_poweroff = "preserve"
on_reboot = "preserve"
on_crash = "preserve"
on_watchdog = "preserve"
on_soft_reset = "preserve"
"""

# What a guest may do and stay alive; a run each.
FAMILIES = (
    "entries,tables,operations,reservation",
    "callbacks,frames,selectors,instructions,privileges",
    "events,grants,timers",
    "fifo",
    "hypercalls",
)
# How a guest may end itself, and the reason that xl list has for it.
ENDS = (
    ("stack", "c"),
    ("missing-handler", "c"),
    ("double-fault", "c"),
    ("iret-frame", "c"),
    ("unmapping", "c"),
    ("giving-back", "c"),
)
MORE_ENDS = (
    ("hypervisor-stack", "c"),
    ("upcall", "c"),
    ("user-root", "c"),
    ("in-use", "c"),
    ("reset", "-"),
    ("watchdog", "w"),
    ("reason reason=0", "-"),
    ("reason reason=1", "r"),
    ("reason reason=2", "s"),
    ("reason reason=3", "c"),
    ("reason reason=4", "w"),
    ("reason reason=5", "S"),
)
TROUBLE = r"(?i)\(XEN\).*(panic|assert|bug\b|warn|unexpected|stuck)"


class Probes:
    """Guests by name, each with what it printed."""

    def __init__(self, dom0):
        self.dom0 = dom0
        dom0.run(f"mkdir -p {CONSOLES}; kill $(cat /run/xenconsoled.pid)")
        dom0.run("while pidof xenconsoled; do sleep 0.1; done")
        dom0.run(f"xenconsoled --log=guest --log-dir={CONSOLES} --pid-file=/run/xenconsoled.pid")

    def start(self, name, words):
        self.dom0.run(f"rm -f {CONSOLES}/guest-{name}.log")
        self.dom0.run(f"xl create -q /files/probe.cfg 'name=\"{name}\"' 'extra=\"{words}\"'")

    def domid(self, name):
        return self.dom0.run(f"xl domid {name}").strip()

    def wait_line(self, name, pattern):
        self.dom0.wait(f"cat {CONSOLES}/guest-{name}.log", pattern)

    def finish(self, name):
        """Waits until it is shut down; the letter of its reason, and what it printed but good checks,
        of which the number is in a last line."""
        log = f"{CONSOLES}/guest-{name}.log"
        state = self.dom0.wait(f"xl list {name} | tail -n 1", " [-rbp]{3}s[-rscwS][-d] ")
        text = self.dom0.run(f"grep -v '^ok' {log}; grep -c '^ok' {log} | sed 's/^/good: /'")
        self.dom0.run(f"xl destroy {name}")
        return re.search(r" [-rbp]{3}s([-rscwS])[-d] ", state)[1], text

    def run(self, name, words):
        self.start(name, words)
        return self.finish(name)


def expect_good(text):
    """Every check of a run had the verdict it must have."""
    assert not re.search(r"^(WRONG|PROBE-FAULT)", text, re.MULTILINE), text
    count = re.search(r"^PROBE-END (\d+) checks, 0 wrong$", text, re.MULTILINE)
    good = re.search(r"^good: (\d+)$", text, re.MULTILINE)
    assert count and good and int(count[1]) == int(good[1]) > 5, text


@pytest.fixture
def probes(toolstack):
    """With an innocent guest; afterwards everything is as it was before."""
    dom0 = toolstack(files={"probe": PROBE, "probe.cfg": CONFIG})
    probes = Probes(dom0)
    before = dom0.free_memory()
    probes.start("innocent", "probe=innocent")
    probes.wait_line("innocent", "PROBE-READY")

    yield probes

    dom0.run("xl trigger innocent nmi")
    probes.wait_line("innocent", "PROBE-INNOCENT [1-9][0-9]* rounds, 0 bad words")
    dom0.run("xl destroy innocent")
    dom0.wait("xl list | wc -l", "^2$")
    assert dom0.free_memory() == before
    trouble = re.findall(TROUBLE, dom0.run("xl dmesg"))
    assert not trouble, trouble


@pytest.mark.debian
@pytest.mark.slow
def test_hostile_guests(probes):
    for number, words in enumerate(FAMILIES):
        state, text = probes.run(f"family{number}", f"probe={words}")
        expect_good(text)
        assert state == "-", text
    for case, end in ENDS:
        check_end(probes, case, end)


def check_end(probes, case, end):
    state, text = probes.run("suicide", f"probe=suicide case={case}")
    assert f"PROBE-SUICIDE {case.split()[0]}" in text
    assert not re.search(r"^WRONG|outlived", text, re.MULTILINE), text
    assert state == end, (case, state, text)


def check_destroyed_in_storm(probes):
    probes.start("storm", "probe=suicide case=storm")
    probes.wait_line("storm", "PROBE-STORM")
    probes.dom0.run("xl destroy storm")


def check_dead_granter(probes):
    """A guest dies while its frame is mapped by another, and with the other's mapped."""
    dom0 = probes.dom0
    probes.start("holder", "probe=holder")
    probes.wait_line("holder", "PROBE-READY")
    probes.start("granter", f"probe=granter peer={probes.domid('holder')}")
    state, text = probes.finish("granter")
    assert state == "c" and "WRONG" not in text and "PROBE-SUICIDE" in text, text
    probes.wait_line("holder", "PROBE-HOLDING")
    # What is left of the dead has no name any more, and goes when its frame is let go.
    dom0.wait("xl list", r"^\(null\)")
    dom0.run("xl trigger holder nmi")
    state, text = probes.finish("holder")
    expect_good(text)
    dom0.wait("xl list | grep -c null", "^0$")


@pytest.mark.debian
@pytest.mark.slow
def test_others_ends(probes):
    check_destroyed_in_storm(probes)
    check_dead_granter(probes)


@pytest.mark.debian
@pytest.mark.slow
def test_more_ends(probes):
    for case, end in MORE_ENDS:
        check_end(probes, case, end)
    for seed in range(2, 8):
        expect_good(probes.run(f"seed{seed}", f"probe=hypercalls seed={seed} calls=1000")[1])
