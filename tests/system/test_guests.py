# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""Debian's own xl, unmodified, against the hypervisor's sysctl and domctl."""
import re

import pytest

from machine import is_reference


@pytest.mark.slow
@pytest.mark.debian
def test_information(toolstack):
    """xl info, list, dmesg, debug-keys, cpupool-list; xen-cpuid."""
    toolstack = toolstack()
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
