# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""dom0 boots to its user land on machines of many shapes, and powers them off."""
import pytest

READY = r"XENIOS-DOM0-READY cpus=(\d+) mem=(\d+)\r"


def check_boot(vm, cpus):
    """dom0 sees a Xen 4.17 with it in control, has `cpus` CPUs that run, and ends well."""
    ready = vm.expect(READY)
    assert int(ready[1]) == cpus
    vm.expect(r"hypervisor xen\r")
    vm.expect(r"version 4\.17\r")
    vm.expect(r"capabilities control_d\r")
    # A single CPU lets Linux trust its TSC more.
    vm.expect(r"clocksource (xen|tsc)\r")
    for cpu in range(cpus):
        vm.expect(rf"cpu {cpu} ran\r")
    slept = int(vm.expect(r"slept (\d+)\r")[1])
    assert 2 <= slept <= 4
    assert vm.expect(r"XENIOS-TEST boot exit=(\d+)\r")[1] == "0"
    vm.expect_end(timeout=120)
    return int(ready[2])


@pytest.mark.parametrize("cpus", [1, 2, 4])
def test_cpus(machine, cpus):
    vm = machine(cpus=cpus, append="dom0_mem=512M", kernel_append="xenios.test=boot")
    check_boot(vm, cpus)


def test_machine_pc(machine):
    vm = machine(machine="pc", cpus=2, append="dom0_mem=512M", kernel_append="xenios.test=boot")
    check_boot(vm, 2)


@pytest.mark.parametrize(
    "memory, dom0_memory",
    [(512, 256), (3072, 2048), (5120, 512), pytest.param(8192, 6144, marks=pytest.mark.slow)],
)
def test_memory(machine, memory, dom0_memory):
    vm = machine(
        memory=memory, append=f"dom0_mem={dom0_memory}M,max:{dom0_memory}M",
        kernel_append="xenios.test=boot", timeout=400,
    )
    total = check_boot(vm, 1)
    # The kernel keeps a part for itself: less than 128 MiB and a 16th.
    assert dom0_memory * 1024 * 15 // 16 - 131072 < total <= dom0_memory * 1024


def test_all_memory_by_default(machine):
    vm = machine(memory=1024, kernel_append="xenios.test=boot")
    assert check_boot(vm, 1) > 700 * 1024


@pytest.mark.parametrize("cpu", ["max,-x2apic", "max,-smap,-smep", "max,-pcid,-fsgsbase"])
def test_cpu_without(machine, cpu):
    vm = machine(cpus=2, cpu=cpu, append="dom0_mem=512M", kernel_append="xenios.test=boot")
    check_boot(vm, 2)


def test_fewer_vcpus(machine):
    vm = machine(
        cpus=2, append="dom0_mem=512M dom0_max_vcpus=1", kernel_append="xenios.test=boot"
    )
    check_boot(vm, 1)


def test_shell(machine):
    """The console works in both directions, and the machine ends with the shell."""
    vm = machine(append="dom0_mem=512M")
    vm.expect(READY)
    vm.expect(r"/ # ")
    vm.shell("echo $((6 * 7)) typed", r"\n42 typed\r")
    vm.shell("cat /proc/xen/capabilities", r"\ncontrol_d\r")
    vm.send("exit")
    vm.expect(r"reboot: Power down")
    vm.expect_end(timeout=120)


def test_reboot(machine):
    vm = machine(append="dom0_mem=512M", timeout=400, devices=["-action", "reboot=reset"])
    for turn in range(2):
        vm.expect(READY)
        vm.expect(r"/ # ")
        vm.send("reboot -f" if turn == 0 else "poweroff -f")
    vm.expect_end(timeout=120)
