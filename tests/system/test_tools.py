# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""The smaller programs of Debian's xen-utils, unmodified: each does its work or says why it cannot."""
import re

import pytest

from machine import is_reference

GUEST = """
name = "still"
type = "pv"
kernel = "/root/guest.kernel"
ramdisk = "/root/guest.initramfs"
extra = "console=hvc0"
memory = 128
vcpus = 1
"""
TOOLS = "/usr/lib/xen-4.17/bin"

# Command, exit status, what it prints: the same on Xenios as on the reference. {id} is the guest's.
ALIKE = (
    ("xenperf", 1, r"Error getting number of perf counters: 38 \(Function not implemented\)"),
    ("xenlockprof", 1, r"Error getting number of profile records: 38 \(Function not implemented\)"),
    ("xencov read", 1, r"getting total length: Operation not supported"),
    ("xen-hptool smt-disable", 1, r"Unable to disable SMT: errno 95, Operation not supported"),
    ("xenpm get-cpu-topology", 0, r"^CPU1\t 1\t 0\t 0$"),
    ("xen-cpuid -p {id}", 0, r"^Domain {id} policy: \d+ leaves, 2 MSRs$"),
    ("xen-detect", 0, r"^Running in PV context on Xen V4\.17\.$"),
    ("xen-diag gnttab_query_size {id}", 0, r"^domid={id}: nr_frames=1, max_nr_frames=64$"),
    ("xen-diag gnttab_query_size 77", 1, r"Could not query dom 77's grant size"),
    ("xen-memshare info", 0, r"^used = 0\nfreed = 0$"),
    ("xen-mfndump dump-m2p | head -3", 0, r"^  mfn=0x0 ==> pfn=0xffffffffffffffff$"),
    ("lsevtchn {id}", 0, r"^ +2: VCPU 0: Interdomain \(Connected\) - Remote Domain 0, Port \d+$"),
    ("readnotes /root/guest.kernel", 0, r"^GUEST_OS: linux$"),
    ("flask-getenforce", 255, r"Unable to get enforcing mode: Operation not permitted"),
    ("test-cpu-policy", 0, r"^Done: all ok$"),
    ("xenstore-control check", 0, r"^OK$"),
    ("xl vm-list", 0, r"^[0-9a-f-]{{36}} +{id} +still +$"),
    ("xl pci-assignable-list", 0, r"pciback driver not loaded"),
    ("xl psr-cmt-attach 0", 253, r"CMT is not supported in this system: No such device"),
    ("xl psr-cat-set 0 0xff", 253, r"L3 CAT: is not supported in this system"),
    ("xl tmem-list -a", 1, r"command not implemented"),
    ("xl loadpolicy /etc/passwd", 255, r"Flask XSM disabled"),
    ("xl getenforce", 255, r"Flask XSM Disabled"),
    ("xl trigger still power", 0, r"Send trigger 'power' failed: Invalid argument"),
    ("xenctx 0", 255, r"cannot trace dom0"),
)
# What is not there yet is refused; the reference has these.
REFUSED = (
    ("xenhypfs ls /", 2, r"Could not open libxenhypfs"),
    ("xen-hptool cpu-offline 1", 1, r"CPU 1 offline failed \(error 95: Operation not supported\)"),
    ("xen-hptool mem-offline 0x10000", 1, r"Offlining page mfn 10000 failed, error 5f"),
    ("xenpm get-cpuidle-states", 0, r"Xen cpuidle is disabled"),
    ("xen-livepatch list", 1, r"Error 95: Operation not supported"),
    ("xen-mceinj -t 0", 1, r"Failed to inject MSR: Function not implemented"),
    ("xen-vmtrace {id} 0", 1, r"resource_size\(\): Operation not supported"),
)


def says(toolstack, row, number):
    command, status, pattern = row
    got, text = toolstack.attempt(command.format(id=number))
    assert got == status, f"{command}: exit {got}\n{text}"
    assert re.search(pattern.format(id=number), text, re.MULTILINE), f"{command}: {text}"


def guest_is_watched(toolstack, number):
    """Its use by xentop, its registers and stack by xenctx, its memory by xen-mfndump."""
    top = toolstack.run("xentop -b -i 2 -d 1").split("NAME")[-1]
    assert re.search(r"^ +still [-brspcd]{6} +\d+ +\d+\.\d +131072 .* 0$", top, re.MULTILINE), top
    toolstack.run("xl pause still")
    text = toolstack.run(f"xenctx -a {number}")
    # Idle: it stands behind the SYSCALL of a hypercall (0f 05).
    assert re.search(r"^rip: ffffffff[0-9a-f]{8}", text, re.MULTILINE), text
    assert re.search(r"0f 05 <41>", text) and "Call Trace:" in text, text
    toolstack.run("xl unpause still")
    frames = toolstack.run(f"xen-mfndump dump-p2m {number} | head -4")
    assert re.search(r"pfn=0x1 ==> mfn=0x[0-9a-f]+ \(type 0x0\)", frames), frames


def events_are_traced(toolstack):
    toolstack.run("xentrace -D -S 256 -T 2 -e all /run/trace")
    text = toolstack.run("xenalyze --summary /run/trace 2>/dev/null")
    assert re.search(r"^Total time: \d+\.\d+ seconds", text, re.MULTILINE), text
    assert "|-- Domain 0 --|" in text


def store_is_changed(toolstack):
    toolstack.run("xenstore-write /tool/a b && xenstore-chmod /tool/a r0")
    assert toolstack.run("xenstore-read /tool/a").strip() == "b"
    assert toolstack.run("xenstore-list /tool").split() == ["a"]
    assert re.search(r'a = "b" .*\(r0\)', toolstack.run("xenstore-ls -p /tool"))
    toolstack.run("xenstore-rm /tool")
    assert toolstack.attempt("xenstore-exists /tool/a")[0] == 1


@pytest.mark.debian
@pytest.mark.slow
def test_tools(toolstack):
    toolstack = toolstack(files={"still.cfg": GUEST})
    toolstack.run(f"export PATH=$PATH:{TOOLS}")
    toolstack.run("xl create /files/still.cfg")
    number = toolstack.run("xl domid still").strip()
    guest_is_watched(toolstack, number)
    for row in ALIKE if is_reference() else ALIKE + REFUSED:
        says(toolstack, row, number)
    store_is_changed(toolstack)
    events_are_traced(toolstack)
    toolstack.run("xl destroy still")
