# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""Long load on all of dom0's CPUs: `make soak`, SOAK_SECONDS for each machine (600).

More workers than CPUs fork, exec, map, fault, switch, take signals and timers, while the CPUs
but the first go and come back. Neither the hypervisor nor the kernel may have anything to say.
"""
import os
import re

import pytest

from debian import debian_disk
from machine import disk_devices

SECONDS = int(os.environ.get("SOAK_SECONDS", "600"))
# Single-threaded emulation is steadier; tcg,thread=multi lets the CPUs truly meet.
ACCEL = os.environ.get("SOAK_ACCEL", "tcg,thread=single")

STRESSORS = ("fork", "exec", "vm", "mmap", "switch", "timer", "kill", "sigq")
SIZES = "--vm-bytes 32M --mmap-bytes 32M --timer-freq 1000"

# What must not be on the console; a kernel message follows its time stamp.
COMPLAINTS = re.compile(
    r"(?m)^\(XEN\).*$"
    r"|^.*(?:BUG:|WARNING:|Oops|Call Trace|soft lockup|rcu.*stall|blocked for more than"
    r"|segfault|general protection|Clocksource .*skewed|marked unstable).*$"
)

HOTPLUG = """\
while :; do for c in /sys/devices/system/cpu/cpu[1-9]*/online; do \
echo 0 >$c; sleep 1; echo 1 >$c; sleep 4; done; done &"""


def quiet(text):
    """The complaints in what the console printed, but for what kernel and hypervisor say of a
    CPU that goes."""
    return [line for line in COMPLAINTS.findall(text) if "Broke affinity" not in line]


@pytest.mark.slow
@pytest.mark.debian
@pytest.mark.parametrize("cpus", [2, 4])
@pytest.mark.parametrize("hotplug", [False, True], ids=["steady", "hotplug"])
def test_soak(machine, cpus, hotplug):
    vm = machine(
        cpus=cpus, memory=2048, append="dom0_mem=1536M guest_loglvl=all", accel=ACCEL,
        kernel_append="xenios.root=/dev/vda TERM=dumb", devices=disk_devices(debian_disk()),
        timeout=SECONDS + 900,
    )
    vm.expect(rf"XENIOS-DEBIAN-READY state=(\S+) cpus={cpus}\r")
    vm.expect(r"root@dom0:~# ")
    vm.shell("dmesg -n 5; echo $((6 * 7)) warnings shown", r"\n42 warnings shown\r")
    if hotplug:
        vm.shell(HOTPLUG, r"root@dom0:~# ")
    workers = " ".join(f"--{name} {cpus + 1}" for name in STRESSORS)
    # stress-ng does not exec for root.
    run = vm.shell(
        f"runuser -u nobody -- stress-ng {workers} {SIZES} --temp-path /tmp "
        f"--timeout {SECONDS}; echo status=$?",
        r"(?s)dispatching hogs(.*)\nstatus=(\d+)\r", timeout=SECONDS + 400)
    assert (quiet(run[1]), run[2]) == ([], "0"), vm.tail()
    assert [name for name in STRESSORS if f"{cpus + 1} {name}" not in run[1]] == []
    assert "successful run completed" in run[1]
    if hotplug:
        vm.shell("kill %1; wait; for c in /sys/devices/system/cpu/cpu[1-9]*/online; do "
                 "echo 1 >$c; done; echo cpus=$(nproc)", rf"\ncpus={cpus}\r")
    vm.send("systemctl poweroff")
    vm.expect(r"reboot: Power down", timeout=200)
    vm.expect_end(timeout=120)
