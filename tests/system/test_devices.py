# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""dom0's drivers move data: DMA goes to the right frames, interrupts arrive."""
import hashlib

import pytest

from machine import DISK_NAMES, disk_devices


@pytest.mark.parametrize("model", DISK_NAMES)
def test_storage(machine, random_file, model):
    path, _ = random_file("disk", 16)
    head = hashlib.md5(path.read_bytes()[: 8 << 20]).hexdigest()
    vm = machine(
        cpus=2, append="dom0_mem=512M", kernel_append="xenios.test=storage",
        devices=disk_devices(path, model, keep=True),
    )
    vm.expect(rf"disk {DISK_NAMES[model]}\r")
    assert vm.expect(r"md5 ([0-9a-f]{32})")[1] == head
    vm.expect(r"written data read back")
    vm.expect(r"XENIOS-TEST storage exit=0\r")
    vm.expect_end(timeout=120)
    assert hashlib.md5(path.read_bytes()[: 8 << 20]).hexdigest() == head


@pytest.mark.parametrize("model, driver", [("virtio-net-pci", "virtio_net"), ("e1000e", "e1000e")])
def test_network(machine, random_file, model, driver):
    path, total = random_file("data", 4)
    vm = machine(
        cpus=2, append="dom0_mem=512M", kernel_append="xenios.test=network",
        devices=["-netdev", f"user,id=net0,tftp={path.parent}", "-device", f"{model},netdev=net0"],
    )
    vm.expect(rf"driver {driver}\r")
    received = int(vm.expect(r"4 packets transmitted, (\d) packets received")[1])
    assert received == 4
    assert vm.expect(r"md5 ([0-9a-f]{32})")[1] == total
    vm.expect(r"XENIOS-TEST network exit=0\r")
    vm.expect_end(timeout=120)
