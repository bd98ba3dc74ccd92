# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""Debian's own xl, unmodified: what it tells of the machine, and the life of a first guest."""
import re

from device_guest import free_pages, free_pages_settled, guest_files, prepare_free_pages
from machine import TOP, image_under_test, is_reference
from toolstack import PROMPT

DETACH = "\x1d"
GUEST_READY = r"XENIOS-GUEST-READY cpus=(\d+) mem=(\d+)\r"


def check_information(toolstack):
    """xl info, list, dmesg, debug-keys, cpupool-list; xen-cpuid."""
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


def check_life(toolstack):
    """A guest is made, talks on its console, waits, is paused, and powers itself off."""
    vm = toolstack.vm
    toolstack.run("xl create /root/guest.cfg")
    vm.send("xl console guest")
    vm.expect(r"Linux version \d")
    vm.expect(r"Hypervisor detected: Xen PV")
    ready = vm.expect(GUEST_READY)
    assert int(ready[1]) == 1
    assert 100 * 1024 < int(ready[2]) < 192 * 1024
    vm.expect(r"/ # ")
    vm.shell("echo $((6 * 7)) typed", r"\n42 typed\r")
    vm.child.send(DETACH)
    vm.expect(PROMPT)
    toolstack.wait("xl list guest", r"^guest +1 +192 +1 +-b---- ")
    toolstack.run("xl pause guest")
    assert re.search(r"^guest +1 +192 +1 +-[b-]p--- ", toolstack.run("xl list guest"), re.MULTILINE)
    toolstack.run("xl unpause guest")
    vm.send("xl console guest")
    vm.send("")
    vm.expect(r"/ # ")
    vm.send("exit")
    vm.expect(PROMPT)


def check_destroy(toolstack):
    """A guest with two vcpus ends in the middle of its boot."""
    vm = toolstack.vm
    toolstack.run("xl create /root/guest.cfg 'name=\"short\"' vcpus=2")
    vm.send("xl console short")
    vm.expect(r"Linux version \d")
    vm.child.send(DETACH)
    vm.expect(PROMPT)
    toolstack.run("xl destroy short")


def wait_for_none(toolstack):
    """Until only dom0 is left, for the tools and for the store."""
    toolstack.wait("xl list | wc -l", "^2$")
    assert toolstack.run("xenstore-list /local/domain").split() == ["0"]


def test_first_guest(toolstack, tmp_path):
    """No guest leaves as much as a page behind."""
    toolstack = toolstack(files=guest_files(tmp_path))
    check_information(toolstack)
    prepare_free_pages(toolstack)
    before = free_pages(toolstack)
    check_life(toolstack)
    wait_for_none(toolstack)
    # What dom0 itself holds has grown to what a guest takes: ports, handles, objects of the heap.
    free = free_pages_settled(toolstack, before, seconds=5)
    assert before - 8 <= free <= before
    check_destroy(toolstack)
    wait_for_none(toolstack)
    assert free_pages_settled(toolstack, free) == free


def test_run(machine):
    """What `make run` shows, and what it says one can type."""
    vm = machine(command=[TOP / "scripts" / "run", image_under_test()], timeout=400)
    vm.expect(r"\+ xl create /root/guest.cfg\r")
    vm.expect(r"\+ xl list\r")
    vm.expect(r"\nDomain-0 +0 +1024 +2 +r----- ")
    vm.expect(r"\nguest +1 +192 +1 +[r-][b-]---- ")
    vm.expect(r"\+ xl console guest\r+\n\[ +0\.000000\] Linux version")
    assert vm.expect(GUEST_READY)[1] == "1"
    vm.expect(PROMPT)
    vm.shell("xl create network.cfg", PROMPT)
    vm.send("xl console network")
    assert vm.expect(GUEST_READY)[1] == "2"
    vm.expect(r"/ # ")
    vm.shell("until [ -b /dev/xvda ]; do usleep 100000; done", r"/ # ")
    vm.shell("mount /dev/xvda /mnt && echo $((6 * 7)) >/mnt/file && umount /mnt; echo status=$?",
             r"\nstatus=0\r")
    for peer in ("10.0.2.15", "10.0.2.2"):
        vm.shell(f"ping -c 1 {peer}", r"1 packets received")
    vm.child.send(DETACH)
    vm.expect(PROMPT)
    vm.shell("mount -o loop network.img /mnt && cat /mnt/file", r"\n42\r")
    vm.send("exit")
    vm.expect(r"reboot: Power down")
    vm.expect_end(timeout=120)
