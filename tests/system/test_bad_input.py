# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""What a boot loader or a user may get wrong: refused with the reason on the console."""
import struct

import pytest

from machine import DOM0_KERNEL, is_reference

STOPPED = r"(?i)panic"


def expect_refusal(vm, reason):
    """The hypervisor stops with a reason, then restarts the machine, which ends QEMU."""
    vm.expect(STOPPED + (r"[^\n]*\n?[^\n]*" if is_reference() else r"[^\n]*") + reason)
    vm.expect_end(timeout=120)


def test_no_module(machine):
    vm = machine(kernel=None, fatal=False)
    expect_refusal(vm, r"(kernel|module)")


def test_kernel_is_text(machine, tmp_path):
    kernel = tmp_path / "kernel"
    kernel.write_text("This is no kernel.\n" * 5000)
    vm = machine(kernel=kernel, fatal=False)
    expect_refusal(vm, r"(kernel|ELF|[Dd]omain 0|dom0)")


def test_kernel_is_empty_elf(machine, tmp_path):
    kernel = tmp_path / "kernel"
    kernel.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(4089))
    vm = machine(kernel=kernel, fatal=False)
    expect_refusal(vm, r"(kernel|ELF|[Dd]omain 0|dom0)")


@pytest.mark.xenios
@pytest.mark.parametrize("place", ["setup header", "before the payload", "payload", "its end"])
def test_kernel_is_cut_short(machine, tmp_path, place):
    """Debian's Xen follows the header out of the module here, into a page fault."""
    data = DOM0_KERNEL.read_bytes()
    setup_sectors, = struct.unpack_from("<B", data, 0x1F1)
    offset, length = struct.unpack_from("<II", data, 0x248)
    payload = (setup_sectors + 1) * 512 + offset
    size = {
        "setup header": 0x24A,
        "before the payload": payload - 16,
        "payload": payload + length // 2,
        "its end": payload + length - 4,
    }[place]
    kernel = tmp_path / "kernel"
    kernel.write_bytes(data[:size])
    vm = machine(kernel=kernel, fatal=False)
    expect_refusal(vm, r"(kernel|payload|image|[Dd]omain 0|dom0)")


def test_kernel_is_damaged(machine, tmp_path):
    data = bytearray(DOM0_KERNEL.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(64)
    kernel = tmp_path / "kernel"
    kernel.write_bytes(data)
    vm = machine(kernel=kernel, fatal=False)
    expect_refusal(vm, r"(kernel|payload|image|[Dd]omain 0|dom0)")


def test_too_much_dom0_memory(machine):
    """dom0 gets what there is."""
    vm = machine(memory=1024, append="dom0_mem=64G", kernel_append="xenios.test=boot")
    memory = int(vm.expect(r"XENIOS-DOM0-READY cpus=1 mem=(\d+)\r")[1])
    assert 400 * 1024 < memory < 1024 * 1024
    vm.expect(r"XENIOS-TEST boot exit=0\r")


def test_too_little_dom0_memory(machine):
    vm = machine(append="dom0_mem=8M", fatal=False)
    expect_refusal(vm, r"(memory|[Dd]omain 0|dom0)")


def test_unknown_options(machine):
    vm = machine(
        append="dom0_mem=512M no-such-option such=1 =, loglvl=nonsense",
        kernel_append="xenios.test=boot",
    )
    vm.expect(r"XENIOS-TEST boot exit=0\r")
