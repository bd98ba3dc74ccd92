# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""Guests with devices, driven from dom0 through their consoles.

    toolstack = toolstack(files=guest_files(tmp_path))
    prepare_devices(toolstack)
    guest = Guest(toolstack, "one", disk=["/run/disk,raw,xvda,w"], vif=["bridge=xenbr0"])
    guest.run("md5sum /dev/xvda")

A guest runs dom0/tests/remote. What it prints while nobody looks, xenconsoled keeps.
"""
import subprocess
import time
from pathlib import Path

from machine import BUILD
from toolstack import PROMPT

CONFIG = """
type = "pv"
kernel = "/root/guest.kernel"
ramdisk = "/root/guest.initramfs"
extra = "console=hvc0 xenios.test=remote"
memory = 160
vcpus = 1
on_crash = "preserve"
"""

BRIDGE = "xenbr0"
# What answers, in dom0 and in guests, whoever sends to port 7000.
SUM_SERVER = "(nc -ll -p 7000 -e md5sum >/dev/null 2>&1 &)"
DETACH = "\x1d"


def guest_files(folder):
    """What this module needs in dom0's /files; programs are made in the folder."""
    program = folder / "free_pages"
    subprocess.run(["gcc", "-static", "-O2", "-isystem", BUILD / "abi", "-o", program,
                    Path(__file__).with_name("free_pages.c")], check=True)
    return {"guest.cfg": CONFIG, "free_pages": program}


def prepare_devices(toolstack):
    """A bridge in dom0, 10.1.0.1 and 10.2.0.1, and somebody who sums up what is sent to them."""
    toolstack.run(f"ip link add {BRIDGE} type bridge && ip link set {BRIDGE} up && "
                  f"ip addr add 10.1.0.1/24 dev {BRIDGE} && ip addr add 10.2.0.1/24 dev {BRIDGE}")
    prepare_free_pages(toolstack)
    toolstack.run(SUM_SERVER)


def prepare_free_pages(toolstack):
    toolstack.run("cp /files/free_pages /run/ && chmod +x /run/free_pages")


def free_pages(toolstack):
    """How many pages belong to nobody."""
    return int(toolstack.run("/run/free_pages").split()[1])


def free_pages_settled(toolstack, expected, seconds=30):
    """The same, given time to become what is expected: backends let go of a dead guest's pages
    when they have closed their devices, which nobody waits for."""
    end = time.monotonic() + seconds
    while True:
        free = free_pages(toolstack)
        if free == expected or time.monotonic() > end:
            return free


class Guest:
    """A running guest that obeys its console."""

    def __init__(self, toolstack, name, ready=True, **config):
        """config: settings of xl.cfg beside those of CONFIG. ready: wait until it obeys."""
        self.toolstack = toolstack
        self.vm = toolstack.vm
        self.name = name
        settings = {"name": name, **config}
        words = " ".join(f"'{key}={quoted(value)}'" for key, value in settings.items())
        toolstack.run(f"xl create /files/guest.cfg {words}")
        if ready:
            self.wait_ready()

    def wait_ready(self):
        self.attach()
        self.vm.expect("XENIOS-REMOTE-READY\r")
        self.detach()

    def attach(self):
        """After this the guest gets what is sent, and what it prints is seen."""
        self.vm.send(f"xl console {self.name}")
        self.vm.expect(f"xl console {self.name}\r")

    def detach(self):
        self.vm.child.send(DETACH)
        self.vm.expect(PROMPT)

    def attempt(self, command, timeout=None):
        """(exit status, what the command printed) in the guest."""
        self.attach()
        self.vm.send(f"echo begin=$((6 * 7)); {command}")
        match = self.vm.expect(r"(?s)begin=42\r+\n(.*?)exit=(\d+)\r", timeout)
        self.detach()
        return int(match[2]), match[1].replace("\r", "")

    def run(self, command, timeout=None):
        """What the command printed in the guest; it has to succeed."""
        status, text = self.attempt(command, timeout)
        assert status == 0, f"{self.name}: {command}: {text}"
        return text

    def wait(self, command, pattern, timeout=120):
        """Repeats a command in the guest until its output has the extended regular expression."""
        return self.run(f"until {command} | grep -E '{pattern}'; do usleep 200000; done", timeout)

    def power_off(self):
        """From within, a moment later: what becomes of the domain is its on_poweroff's affair."""
        self.run("(usleep 500000; poweroff -f) &")

    def destroy(self):
        self.toolstack.run(f"xl destroy {self.name}")

    def gone(self, timeout=120):
        """Waits until there is no such domain."""
        self.toolstack.run(
            f"while xl list {self.name} >/dev/null 2>&1; do sleep 0.2; done", timeout)


def quoted(value):
    """In the language of xl.cfg."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(quoted(item) for item in value) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'
