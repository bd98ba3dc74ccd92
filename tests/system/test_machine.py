# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""dom0 boots on machines that lack something, have more than one node, or are told to use less."""
import re

import pytest

from test_boot import check_boot

pytestmark = pytest.mark.xenios


def start(make, append="", **options):
    return make(
        append=f"dom0_mem=512M {append}".strip(), kernel_append="xenios.test=boot", **options
    )


def test_without_hpet(machine):
    """Time comes from the ACPI timer then."""
    vm = start(machine, machine="q35,hpet=off", cpus=2)
    vm.expect(r"time: ACPI[^\r]*\r")
    check_boot(vm, 2)


@pytest.mark.parametrize(
    "cpu, fpu",
    [
        pytest.param("qemu64", "FXSAVE", id="qemu64"),
        pytest.param("max,-xsave,-smap,-smep", "FXSAVE", id="no-xsave"),
        pytest.param("max,-x2apic,-umip", "XSAVE", id="no-x2apic"),
    ],
)
def test_plain_processor(machine, cpu, fpu):
    vm = start(machine, cpu=cpu, cpus=2)
    vm.expect(rf"FPU: {fpu}")
    check_boot(vm, 2)


def numa(nodes, memory, cpus):
    """QEMU's arguments for nodes of equal shares."""
    arguments = []
    for node in range(nodes):
        first = node * cpus // nodes
        last = (node + 1) * cpus // nodes - 1
        arguments += ["-object", f"memory-backend-ram,id=ram{node},size={memory // nodes}M"]
        arguments += ["-numa", f"node,nodeid={node},cpus={first}-{last},memdev=ram{node}"]
    return arguments


def test_two_nodes(machine):
    vm = start(machine, cpus=4, memory=1024, devices=numa(2, 1024, 4))
    vm.expect(r"ACPI: [^\r]* 4 CPUs, [^\r]* 2 nodes")
    check_boot(vm, 4)


@pytest.mark.parametrize("option", ["maxcpus=1", "nosmp"])
def test_one_processor_of_two(machine, option):
    """The other is left alone, and the watchdog says that it has nothing to do."""
    vm = start(machine, append=f"{option} watchdog", cpus=2)
    vm.expect(r"\(XEN\) 1 CPUs online\r")
    vm.expect(r"Watchdog: off: with one CPU there is nobody to watch it\r")
    check_boot(vm, 1)


def test_watchdog_lets_dom0_run(machine):
    """Nothing that a booting dom0 does looks like a processor that hangs."""
    vm = start(machine, append="watchdog=force watchdog_timeout=3", cpus=2)
    vm.expect(r"Watchdog: each CPU watches the next, timeout 3 s\r")
    check_boot(vm, 2)


def test_unknown_option_is_named(machine):
    vm = start(machine, append="flux-capacitor=88 maxcpus=2x")
    for said in ('Unknown option "flux-capacitor"', 'Option maxcpus: bad value "2x"'):
        vm.expect(re.escape(said))
    vm.expect(r"Xenios is up")


def test_open_processor(machine):
    """What an old Intel processor is open to is told, and dom0 lives with watched page tables."""
    vm = start(machine, cpu="Skylake-Client,-hle,-rtm,-smep", append="pv-l1tf=yes", cpus=2)
    vm.expect(r"Speculative mitigation: branches by retpolines[^\r]*, RSB refilled on entry")
    vm.expect(r"not-present entries checked for dom0, checked for others; XPTI missing")
    vm.expect(r"Guests can read all memory of this processor \(Meltdown\)")
    check_boot(vm, 2)
