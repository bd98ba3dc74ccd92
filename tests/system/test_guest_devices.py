# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""Guests with disks and networks from Linux's backends in dom0, by Debian's own xl.

Grants and event channels between domains do all the work here; and a guest that dies, at
whatever moment, gives back everything to the page.
"""
import random
import re
import time

import pytest

from device_guest import (BRIDGE, SUM_SERVER, Guest, free_pages, free_pages_settled, guest_files,
                   prepare_devices)

MOMENTS = ("boot", "load", "shutdown")


def sums(text):
    """All MD5 sums in what was printed, in order."""
    return re.findall(r"\b[0-9a-f]{32}\b", text)


def write_and_compare(guest, toolstack, disk, file, mebibytes=2):
    """What the guest writes to its disk is what dom0 finds in the file or device behind it."""
    wrote = guest.run(
        f"dd if=/dev/urandom of=/tmp/d bs=64k count={mebibytes * 16} 2>/dev/null; md5sum /tmp/d; "
        f"dd if=/tmp/d of={disk} bs=64k seek=3 oflag=direct conv=fsync 2>/dev/null; "
        f"dd if={disk} bs=64k skip=3 count={mebibytes * 16} iflag=direct 2>/dev/null | md5sum; "
        "rm /tmp/d")
    past_cache = "iflag=direct" if file.startswith("/dev/") else ""
    there = toolstack.run(
        f"dd if={file} bs=64k skip=3 count={mebibytes * 16} {past_cache} 2>/dev/null | md5sum")
    assert len(sums(wrote)) == 2
    assert sums(wrote) == sums(there) * 2, (wrote, there)


def tcp_sums(run, address, file):
    """(the sum of a file, the sum that the host at the address got when it was sent there)."""
    return sums(run(f"md5sum {file}; nc {address} 7000 <{file}"))


def backends_gone(toolstack):
    """No device is left in dom0 of guests that are gone."""
    toolstack.run(f"while ls -d /sys/class/net/vif* /sys/bus/xen-backend/devices/* 2>/dev/null; "
                  "do sleep 0.2; done", timeout=60)
    assert "/dev/loop0" not in toolstack.run("losetup -a")


def start_with_devices(toolstack, data_sum, disk_sum):
    """A guest with two vcpus, a disk that is a file, one that is a block device, a network."""
    toolstack.run("truncate -s 16M /run/file.img; cp /files/data /run/loop.img; "
                  "losetup /dev/loop5 /run/loop.img")
    guest = Guest(toolstack, "one", vcpus=2, vif=[f"bridge={BRIDGE}"],
                  disk=["/run/file.img,raw,xvda,w", "phy:/dev/vda,xvdb,w"])
    found = guest.run("md5sum /dev/xvdb; ls -d /sys/block/xvda/mq/* "
                      "/sys/class/net/eth0/queues/*; cat /proc/partitions")
    assert sums(found) == [disk_sum]
    for path in ("block/xvda/mq/1", "class/net/eth0/queues/rx-1", "class/net/eth0/queues/tx-1"):
        assert path in found, found
    assert re.search(r"\b16384 xvda$", found, re.MULTILINE), found
    write_and_compare(guest, toolstack, "/dev/xvda", "/run/file.img")
    write_and_compare(guest, toolstack, "/dev/xvdb", "/dev/vda")
    return guest


def attach_and_detach(toolstack, guest, data_sum):
    """Disks and networks come and go while the guest runs."""
    toolstack.run(f"xl block-attach {guest.name} phy:/dev/loop5,xvdc,w")
    toolstack.run(f"xl block-attach {guest.name} /files/data,raw,xvdd,r")
    toolstack.run(f"xl network-attach {guest.name} bridge={BRIDGE} mac=00:16:3e:00:00:77")
    disks = toolstack.run(f"xl block-list {guest.name}")
    assert re.findall(r"^(\d+) +0 +\d+ +4 ", disks, re.MULTILINE) == \
        ["51712", "51728", "51744", "51760"], disks
    networks = toolstack.run(f"xl network-list {guest.name}")
    assert re.findall(r"^(\d+) +0 +(\S+) +\d+ +4 ", networks, re.MULTILINE)[1] == \
        ("1", "00:16:3e:00:00:77"), networks
    guest.wait("cat /proc/partitions", "xvdd$")
    read_only = guest.run("md5sum /dev/xvdc /dev/xvdd; cat /sys/block/xvdc/ro /sys/block/xvdd/ro; "
                          "dd if=/dev/zero of=/dev/xvdd bs=4k count=1 2>&1; "
                          "ifconfig eth1 10.2.0.11 netmask 255.255.255.0 up; "
                          "ping -c 2 -W 5 10.2.0.1")
    assert sums(read_only) == [data_sum] * 2
    assert "\n0\n1\n" in read_only and "xvdd" in read_only.split("\n0\n1\n")[1], read_only
    write_and_compare(guest, toolstack, "/dev/xvdc", "/dev/loop5")
    toolstack.run(f"xl block-detach {guest.name} xvdc && xl block-detach {guest.name} xvdd && "
                  f"xl network-detach {guest.name} 1")
    left = guest.run("cat /proc/partitions; ls /sys/class/net")
    assert "xvdb" in left and "xvdc" not in left and "xvdd" not in left and "eth1" not in left
    assert "51744" not in toolstack.run(f"xl block-list {guest.name}")
    assert sums(toolstack.run("md5sum /files/data")) == [data_sum]


def join_network(guest, address):
    guest.run(f"ifconfig eth0 {address} netmask 255.255.255.0 up; {SUM_SERVER}")


def talk(toolstack, one, two):
    """Ping and TCP: dom0 to guest, guest to dom0, guest to guest both ways."""
    for command in (one.run, two.run):
        assert " 0% packet loss" in command("ping -c 3 -W 5 10.1.0.1")
    assert " 0% packet loss" in one.run("ping -c 3 -W 5 10.1.0.12")
    assert " 0% packet loss" in toolstack.run("ping -c 3 10.1.0.12")
    one.run("dd if=/dev/urandom of=/tmp/one bs=64k count=48 2>/dev/null")
    two.run("dd if=/dev/urandom of=/tmp/two bs=64k count=48 2>/dev/null")
    streams = {
        "dom0 to one": tcp_sums(toolstack.run, "10.1.0.11", "/files/data"),
        "one to dom0": tcp_sums(one.run, "10.1.0.1", "/tmp/one"),
        "one to two": tcp_sums(one.run, "10.1.0.12", "/tmp/one"),
        "two to one": tcp_sums(two.run, "10.1.0.11", "/tmp/two"),
    }
    for name, (sent, received) in streams.items():
        assert sent == received, name


def short_guest(toolstack, ready=True):
    guest = Guest(toolstack, "short", ready=ready, memory=128, vif=[f"bridge={BRIDGE}"],
                  disk=["phy:/dev/vda,xvda,w"], on_poweroff="preserve")
    if ready:
        guest.run("ifconfig eth0 10.1.0.13 netmask 255.255.255.0 up")
    return guest


def grow_tables(toolstack):
    """More at once than any guest does after: dom0's own tables, which do not shrink, have their
    size. Returns how long a guest takes to boot, in seconds."""
    started = time.monotonic()
    guest = short_guest(toolstack)
    boot_seconds = time.monotonic() - started
    nets = "/tests/load net 10.1.0.1 8 & " * 4
    reads = "dd if=/dev/xvda of=/dev/null bs=1M iflag=direct & " * 4
    guest.run(f"{nets} {reads} /tests/load disk /dev/xvda 8; wait", timeout=120)
    guest.destroy()
    guest.gone()
    backends_gone(toolstack)
    return boot_seconds


def live_and_die(toolstack, chance, moment, boot_seconds):
    """A guest with disk and network, destroyed at a random moment of one part of its life."""
    guest = short_guest(toolstack, ready=moment != "boot")
    if moment == "boot":
        toolstack.run(f"sleep {chance.uniform(0, boot_seconds):.2f}")
    else:
        guest.run("/tests/load disk /dev/xvda 900 & /tests/load net 10.1.0.1 900 &")
        toolstack.run(f"sleep {chance.uniform(0, 2):.2f}")
    if moment == "shutdown":
        guest.power_off()
        toolstack.wait("xl list short", " ---s[^ ]* ")
    guest.destroy()
    guest.gone()


def cycles(toolstack, count, seed):
    """That many guests come and go; in the end, all that was free before is free again."""
    chance = random.Random(seed)
    boot_seconds = grow_tables(toolstack)
    live_and_die(toolstack, chance, "shutdown", 0)
    backends_gone(toolstack)
    before = free_pages(toolstack)
    for turn in range(count):
        live_and_die(toolstack, chance, MOMENTS[turn % len(MOMENTS)], boot_seconds)
    backends_gone(toolstack)
    assert free_pages_settled(toolstack, before) == before
    assert domains(toolstack) == ["Domain-0"]


def domains(toolstack):
    """The names in `xl list`: those of domains that are dying are (null)."""
    return re.findall(r"^(\S+) +\d+ +\d+ ", toolstack.run("xl list"), re.MULTILINE)


def outlive(toolstack):
    """A dead guest's page that somebody in dom0 still maps is kept for him, and only that."""
    before = free_pages(toolstack)
    guest = Guest(toolstack, "kept")
    daemon = toolstack.run("cat /run/xenconsoled.pid").strip()
    toolstack.run(f"kill -STOP {daemon}")
    guest.destroy()
    assert domains(toolstack) == ["Domain-0", "(null)"]
    assert before - 400 < free_pages(toolstack) < before
    toolstack.run(f"kill -CONT {daemon}")
    assert free_pages_settled(toolstack, before) == before
    assert domains(toolstack) == ["Domain-0"]


@pytest.fixture
def dom0(toolstack, random_file, tmp_path):
    """dom0 with backends; /files/data and the 8 MiB disk /dev/vda have known sums."""
    data, data_sum = random_file("data", 4, seed=2)
    disk, disk_sum = random_file("disk", 8, seed=3)
    started = toolstack(
        files={**guest_files(tmp_path), "data": data}, memory=2304,
        devices=["-drive", f"if=none,id=other,file={disk},format=raw,snapshot=on",
                 "-device", "virtio-blk-pci,drive=other"],
        append="guest_loglvl=all", timeout=900,
    )
    prepare_devices(started)
    return started, data_sum, disk_sum


def test_disks_and_networks(dom0):
    toolstack, data_sum, disk_sum = dom0
    one = start_with_devices(toolstack, data_sum, disk_sum)
    attach_and_detach(toolstack, one, data_sum)
    two = Guest(toolstack, "two", vif=[f"bridge={BRIDGE}"],
                extra="console=hvc0 xenios.test=remote grant_table.version=2")
    assert "version 2 layout" in two.run("dmesg | grep xen:grant_table")
    join_network(one, "10.1.0.11")
    join_network(two, "10.1.0.12")
    talk(toolstack, one, two)
    one.power_off()
    two.destroy()
    one.gone()
    backends_gone(toolstack)


def test_the_dead_give_everything_back(dom0):
    cycles(dom0[0], 5, seed=1)
    outlive(dom0[0])


@pytest.mark.slow
def test_the_dead_give_everything_back_100_times(dom0):
    dom0[0].vm.deadline += 6000
    cycles(dom0[0], 100, seed=2)
