# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""Debian's own xl, unmodified, against the hypervisor's sysctl and domctl."""
import fcntl
import re
import subprocess

import pytest

from machine import BUILD, TOP, is_reference

PROMPT = r"root@dom0:~# "


@pytest.fixture
def guests_disk():
    """Made once, by whoever asks first."""
    (BUILD / "dom0").mkdir(parents=True, exist_ok=True)
    with open(BUILD / "dom0" / "guests.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = subprocess.run(
            [TOP / "dom0" / "build-disk", "guests"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return BUILD / "dom0" / "guests.img"


class Toolstack:
    """A dom0 with the Xen daemons started, and a shell."""

    def __init__(self, machine, disk):
        self.vm = machine(
            cpus=2, memory=2048, append="dom0_mem=1024M",
            kernel_append="xenios.root=/dev/vda xenios.init=/sbin/init-toolstack",
            devices=["-drive", f"if=none,id=disk0,file={disk},format=raw,snapshot=on",
                     "-device", "virtio-blk-pci,drive=disk0"],
            timeout=400,
        )
        self.vm.expect(r"XENIOS-TOOLSTACK-READY status=0\r")
        self.vm.expect(PROMPT)

    def run(self, command):
        """What the command printed; it has to succeed."""
        self.vm.send(f"{command}; echo \"exit=$?\"")
        self.vm.expect(r"echo \"exit=\$\?\"\r")
        match = self.vm.expect(r"(?s)(.*?)exit=(\d+)\s+" + PROMPT)
        assert match[2] == "0", f"{command}: {match[1]}"
        return match[1].replace("\r", "")

    def fields(self, command):
        """Lines `name : value`."""
        return dict(re.findall(r"^(\w+) *: *(.*)$", self.run(command), re.MULTILINE))


@pytest.mark.slow
@pytest.mark.debian
def test_information(machine, guests_disk):
    """xl info, list, dmesg, debug-keys, cpupool-list; xen-cpuid."""
    toolstack = Toolstack(machine, guests_disk)
    info = toolstack.fields("xl info")
    assert info["host"] == "dom0"
    assert info["nr_cpus"] == "2"
    assert info["nr_nodes"] == "1"
    assert 1900 < int(info["total_memory"]) <= 2048
    assert 500 < int(info["free_memory"]) < 1024
    assert info["xen_major"] == "4" and info["xen_minor"] == "17"
    assert "xen-3.0-x86_64" in info["xen_caps"].split()
    assert info["xen_scheduler"] == "credit2"
    assert "pv" in info["virt_caps"].split()
    assert "" != info["cpu_mhz"] != "0.000"
    assert len(info["hw_caps"].split(":")) == 8
    if not is_reference():
        assert info["xen_extra"] == "-xenios"
        assert info["virt_caps"] == "pv gnttab-v1 gnttab-v2"

    domains = toolstack.run("xl list")
    assert re.search(r"^Name +ID +Mem +VCPUs\tState\tTime\(s\)$", domains, re.MULTILINE)
    assert re.search(r"^Domain-0 +0 +10\d\d +2 +r----- +\d+\.\d$", domains, re.MULTILINE)
    assert re.search(r"^Pool-0 +2 +credit2 +y +1$", toolstack.run("xl cpupool-list"), re.MULTILINE)

    topology = toolstack.run("xl info -n")
    assert re.search(r"^ +1: +\d+ +\d+ +0$", topology, re.MULTILINE), topology
    assert re.search(r"^ +0: +\d+ +\d+ +10$", topology, re.MULTILINE), topology
    policy = toolstack.run("/usr/lib/xen-4.17/bin/xen-cpuid -p")
    assert re.search(r"^Xen reports there are maximum \d+ leaves and \d+ MSRs$", policy, re.MULTILINE)
    assert re.search(r"^ +00000001:ffffffff +-> ", policy, re.MULTILINE), policy

    toolstack.run("xl debug-keys h")
    assert "'h' pressed" in toolstack.run("xl dmesg")
    assert toolstack.run("xl dmesg -c | wc -l").strip() != "0"
    assert "'h' pressed" not in toolstack.run("xl dmesg")
    assert "Domain-0" in toolstack.run("xenstore-read /local/domain/0/name")
