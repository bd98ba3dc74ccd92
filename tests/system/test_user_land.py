# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""More than a kernel: the services micro measures, and a whole Debian from a disk."""
import re

import pytest

from debian import debian_disk
from machine import DISK_NAMES, disk_devices

SERVICES = (
    "syscall", "clock", "pipe-one-cpu", "pipe-two-cpus", "fork-exit", "fork-exec", "page-fault",
    "mprotect-page", "hypercall", "event", "grant-map",
)


def test_micro(machine):
    """Each service of the hypervisor that micro calls gives an answer."""
    vm = machine(cpus=2, append="dom0_mem=512M", kernel_append="xenios.test=micro", timeout=400)
    match = vm.expect(r"(?s)XENIOS-DOM0-READY(.*)XENIOS-TEST micro exit=(\d+)\r")
    text, status = match[1], match[2]
    measured = dict(re.findall(r"micro (\S+) (\d+)\r", text))
    assert [name for name in SERVICES if name not in measured] == [], text
    assert status == "0"


@pytest.mark.debian
@pytest.mark.parametrize("model", ["virtio-blk", "ahci", "nvme"])
def test_debian(machine, model):
    """systemd starts all it wants to from each kind of disk, does work, and stops it all."""
    vm = machine(
        cpus=2, memory=2048, append="dom0_mem=1024M",
        kernel_append=f"xenios.root={DISK_NAMES[model]} TERM=dumb",
        devices=disk_devices(debian_disk(), model), timeout=600,
    )
    vm.expect(r"XENIOS-DEBIAN-READY state=(\S+) cpus=2\r")
    vm.expect(r"root@dom0:~# ")
    if model == "nvme":
        vm.shell("grep -m1 nvme0q1 /proc/interrupts", r"xen-pirq +-msi-x +nvme0q1")
    vm.shell('echo "failed units: $(systemctl --failed --no-legend | wc -l)"',
             r"failed units: 0\r")
    vm.shell('echo "kind: $(systemd-detect-virt) $(cat /sys/hypervisor/type)"',
             r"kind: \S+ xen\r")
    vm.shell("stress-ng --cpu 2 --vm 2 --vm-bytes 64M --fork 2 --timeout 5 --metrics-brief",
             r"successful run completed")
    vm.send("systemctl poweroff")
    vm.expect(r"reboot: Power down")
    vm.expect_end(timeout=120)
