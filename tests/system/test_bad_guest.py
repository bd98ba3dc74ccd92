# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""Guests that cannot be: xl says why, and nothing is left of them."""
import re
import struct
import subprocess

import pytest

from guest import Footprint, Guest, config

NO_SUCH_FILE = "No such file or directory"


def elf_of_another_machine():
    """An executable for 64-bit ARM, with one page of zeroes."""
    header = b"\x7fELF\2\1\1" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, 0x80000, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 4096, 0x80000, 0x80000, 4096, 4096, 4096)
    return (header + segment).ljust(8192, b"\0")


PV32 = """
.globl _start
_start: jmp _start
.section .note.Xen, "a", @note
.macro note type, value:vararg
.align 4
.long 4, 2f - 1f, \\type
.asciz "Xen"
1: \\value
2: .align 4
.endm
note 6, .asciz "linux"
note 5, .asciz "xen-3.0"
note 9, .asciz "yes"
note 8, .asciz "generic"
note 3, .long 0xc0000000
note 1, .long _start
"""


def elf_of_32_bits(folder):
    """A PV kernel for 32 bits."""
    (folder / "pv32.s").write_text(PV32)
    subprocess.run(["as", "--32", "-o", folder / "pv32.o", folder / "pv32.s"], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-Ttext=0xc0100000", "-o", folder / "pv32",
                    folder / "pv32.o"], check=True)
    return folder / "pv32"


# What is wrong: the change to a good configuration, and what xl says of it.
BAD = {
    "more memory than there is": (
        {"memory": 4000000, "maxmem": 4000000}, "can't allocate low memory|[Cc]laim"),
    "more memory than is free": (
        {"memory": 1500, "maxmem": 1500}, "can't allocate low memory|[Cc]laim"),
    "no memory": ({"memory": 0, "maxmem": 0}, "too large .* Out of memory"),
    "memory too small for the kernel": (
        {"memory": 32, "maxmem": 32}, "segment kernel too large .* Out of memory"),
    "memory too small for the ramdisk": (
        {"memory": 64, "maxmem": 64}, "segment ramdisk too large .* Out of memory|kernel too large"),
    "too many vcpus": ({"vcpus": 9000, "maxvcpus": 9000}, "too many VCPUS|Invalid argument"),
    "more vcpus than its maximum": ({"vcpus": 4, "maxvcpus": 2}, "maxvcpus < vcpus"),
    "a kernel for another machine": ({"kernel": "/files/arm64"}, "Invalid kernel"),
    "a kernel for 32 bits": ({"kernel": "/files/pv32"}, "Invalid kernel|not supported"),
    "a kernel that is none": ({"kernel": "/files/text"}, "no loader found: Invalid kernel"),
    "an empty kernel": ({"kernel": "/files/empty"}, "failed|Invalid|size"),
    "half a kernel": ({"kernel": "/root/half"}, "Invalid kernel|xc_dom_parse_image failed"),
    "no kernel": ({"kernel": "/nowhere"}, f"failed to open file '/nowhere': {NO_SUCH_FILE}"),
    "no ramdisk": ({"ramdisk": "/nowhere"}, f"failed to open file '/nowhere': {NO_SUCH_FILE}"),
    "no disk": ({"disk": ["/nowhere,raw,xvda,w"]}, f"failed to stat: /nowhere: {NO_SUCH_FILE}"),
    "no block device": (
        {"disk": ["phy:/dev/nowhere,xvda,w"]}, f"failed to stat: /dev/nowhere: {NO_SUCH_FILE}"),
    "nonsense for a disk": ({"disk": ["nonsense=3"]}, "config parsing error in disk specification"),
    "a processor that is not there": ({"cpus": "9"}, "vcpu hard affinity map is empty"),
    "no processor": ({"cpus": "0,^0"}, "vcpu hard affinity map is empty"),
    "nonsense for a processor": ({"cpus": "x"}, "Invalid pcpu range: x"),
    "a pool that is not there": ({"pool": "nowhere"}, "Illegal pool specified: nowhere"),
    "a kind that is not there": ({"type": "nonsense"}, "Invalid domain type nonsense"),
    "a name that is taken": ({"name": "Domain-0"}, 'Domain with name "Domain-0" already exists|name'),
    "an action that is not there": ({"on_crash": "nonsense"}, 'Unknown on_crash action "nonsense"'),
    "a weight out of range": ({"cpu_weight": 100000}, "Cpu weight out of range"),
    "a cap out of range": ({"cap": 60000}, "Cpu cap out of range"),
    "too many grant frames": ({"max_grant_frames": 1000000}, "Invalid argument|grant"),
    "ports of nonsense": ({"ioports": ["zz"]}, "Invalid argument|ioport|parse"),
    "an interrupt out of range": ({"irqs": [100000]}, "irq"),
}


@pytest.mark.slow
def test_bad_guests(toolstack, tmp_path):
    """Each is refused with xl's own message, and the machine is as it was before."""
    files = {f"{number}.cfg": config(**change) for number, (change, _) in enumerate(BAD.values())}
    (tmp_path / "arm64").write_bytes(elf_of_another_machine())
    files.update({"arm64": tmp_path / "arm64", "pv32": elf_of_32_bits(tmp_path), "empty": "",
                  "text": "no kernel at all\n" * 1000, "good.cfg": config()})
    toolstack = toolstack(files=files, timeout=900)
    toolstack.run("head -c 3000000 /root/guest.kernel >/root/half")
    before = Footprint(toolstack)
    wrong = []
    for number, (what, (_, pattern)) in enumerate(BAD.items()):
        status, text = toolstack.attempt(f"xl create /files/{number}.cfg")
        if status == 0 or not re.search(pattern, text):
            wrong.append(f"{what}: {status}: {text}")
        Footprint(toolstack).assert_same(before, what)
        assert toolstack.attempt("pidof xl")[0] == 1, what
    assert not wrong, "\n".join(wrong)

    guest = Guest(toolstack, "guest")
    toolstack.run("xl create /files/good.cfg")
    guest.wait_up()
    status, text = toolstack.attempt("xl create /files/good.cfg")
    assert status != 0 and 'Domain with name "guest" already exists' in text
    toolstack.run("xl destroy guest")
    guest.wait_gone()
    Footprint(toolstack).assert_same(before, "a good guest after all of them")
