# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""Four guests with disk and network load each, for SOAK_SECONDS (600): part of `make soak`.

Every guest writes random data to its disk and reads it back, and sends random data to its
neighbour, to dom0, and gets its sum back; all of it is compared. Meanwhile dom0 gives one of them
another disk and takes it away, again and again. Nobody may have anything to say.
"""
import os
import re

import pytest

from device_guest import BRIDGE, SUM_SERVER, Guest, free_pages, free_pages_settled, guest_files, \
    prepare_devices
from test_soak import ACCEL, COMPLAINTS

SECONDS = int(os.environ.get("SOAK_SECONDS", "600"))
GUESTS = 4
HOTPLUG = """\
end=$(($(date +%s) + {seconds})); turns=0; while [ $(date +%s) -lt $end ]; do \
xl block-attach {name} phy:/dev/loop7,xvdh,w && xl block-detach {name} xvdh || break; \
turns=$((turns + 1)); done; echo turns=$turns"""


def start_guests(toolstack):
    guests = []
    for number in range(GUESTS):
        toolstack.run(f"truncate -s 8M /run/disk{number}; losetup /dev/loop{number} /run/disk{number}")
        guests.append(Guest(
            toolstack, f"soak{number}", vcpus=1 + number % 2, vif=[f"bridge={BRIDGE}"],
            disk=[f"phy:/dev/loop{number},xvda,w"]))
        guests[-1].run(f"ifconfig eth0 10.1.0.{10 + number} netmask 255.255.255.0 up; {SUM_SERVER}")
    return guests


def start_load(guests):
    for number, guest in enumerate(guests):
        jobs = ("disk /dev/xvda", f"net 10.1.0.{10 + (number + 1) % GUESTS}", "net 10.1.0.1")
        for place, job in enumerate(jobs):
            guest.run(f"(/tests/load {job} {SECONDS}; echo status=$?) >/tmp/load{place} 2>&1 &")


def check_load(guest):
    """All three jobs ended well, and did something; the kernel has no complaint."""
    guest.wait("cat /tmp/load*", "status=", timeout=300)
    done = guest.run("wait; cat /tmp/load*")
    assert re.findall(r"status=(\d+)", done) == ["0"] * 3, done
    rounds = [int(count) for count in re.findall(r"rounds=(\d+)", done)]
    assert len(rounds) == 3 and min(rounds) > 0, done
    assert COMPLAINTS.findall(guest.run("dmesg")) == []
    return rounds


@pytest.mark.slow
def test_soak_guests(toolstack, tmp_path, record_property):
    toolstack = toolstack(
        files=guest_files(tmp_path), cpus=2, memory=2560, append="guest_loglvl=all",
        timeout=SECONDS * 2 + 1500)
    prepare_devices(toolstack)
    toolstack.run("truncate -s 4M /run/extra; losetup /dev/loop7 /run/extra")
    before = free_pages(toolstack)
    guests = start_guests(toolstack)
    start_load(guests)
    hotplug = toolstack.run(HOTPLUG.format(seconds=SECONDS, name=guests[-1].name),
                            timeout=SECONDS + 300)
    assert int(re.search(r"turns=(\d+)", hotplug)[1]) > 0, hotplug
    rounds = {guest.name: check_load(guest) for guest in guests}
    print(f"rounds of disk, neighbour, dom0: {rounds}; {hotplug.strip()}")
    assert COMPLAINTS.findall(toolstack.run("dmesg")) == []
    for guest in guests:
        guest.destroy()
        guest.gone()
    toolstack.run("while ls -d /sys/class/net/vif* 2>/dev/null; do sleep 0.2; done", timeout=60)
    # What dom0's own tables grew by stays: a few pages, not a guest's.
    assert 0 <= before - free_pages_settled(toolstack, before) < 64
