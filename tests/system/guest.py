# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""A guest of dom0, and the shell on its console.

    guest = Guest(toolstack, "guest")
    toolstack.run("xl create /files/guest.cfg")
    guest.wait_up()
    guest.run("uname -r")
"""
import re

from toolstack import PROMPT

LEAVE = "\x1d"  # what ends xl console


def config(**changes):
    """A configuration file: Debian's kernel with busybox's shell on the console."""
    words = {
        "name": "guest", "type": "pv", "kernel": "/root/guest.kernel",
        "ramdisk": "/root/guest.initramfs", "extra": "console=hvc0 sysrq_always_enabled",
        "memory": 192, "maxmem": 256, "vcpus": 1, "maxvcpus": 2,
    }
    words.update(changes)
    quoted = {key: f'"{value}"' if isinstance(value, str) else value for key, value in words.items()}
    return "".join(f"{key} = {value}\n" for key, value in quoted.items() if value is not None)


class Guest:
    def __init__(self, toolstack, name):
        self.toolstack = toolstack
        self.name = name
        self.steps = 0

    # ---- what dom0 says of it

    def listed(self):
        """The fields of its line in xl list: id, memory in MiB, vcpus, state, seconds."""
        text = self.toolstack.run(f"xl list {self.name}")
        match = re.search(
            rf"^{self.name} +(\d+) +(\d+) +(\d+)\s+([-rbpscd]{{6}}) +([\d.]+)$", text, re.MULTILINE)
        assert match, text
        return {"id": int(match[1]), "memory": int(match[2]), "vcpus": int(match[3]),
                "state": match[4], "seconds": float(match[5])}

    def vcpu_list(self):
        """vcpu -> (processor or -, state, hard affinity, soft affinity)."""
        text = self.toolstack.run(f"xl vcpu-list {self.name}")
        rows = re.findall(
            rf"^{self.name} +\d+ +(\d+) +(\d+|-) +([-rbp]{{3}}) +[\d.]+ +(\S+) / (\S+)$", text,
            re.MULTILINE)
        assert rows, text
        return {int(row[0]): row[1:] for row in rows}

    def wait_gone(self):
        """Until it is no more, and whoever watched over it has cleaned up behind it."""
        self.toolstack.run(f"while xl domid {self.name} || pidof xl; do sleep 0.2; done", 120)

    def wait_state(self, state, timeout=120):
        self.toolstack.wait(f"xl list {self.name}", f" {state} ", timeout)

    def wait_successor(self, old_id):
        """Until another domain has the name; its id."""
        text = self.toolstack.run(
            f"until xl domid {self.name} | grep -vx {old_id}; do sleep 0.2; done", 120)
        return int(re.search(r"^(\d+)$", text, re.MULTILINE)[1])

    # ---- its console

    def wait_up(self, timeout=200):
        """Until its shell answers; once, before the first run()."""
        # A restarted guest has its name before xenconsoled has made its terminal.
        self.toolstack.run(f"until xenstore-read /local/domain/$(xl domid {self.name})/console/tty; "
                           "do sleep 0.2; done", 120)
        self.toolstack.vm.send(f"xl console {self.name}")
        self.toolstack.vm.expect(r"Type exit to power it off", timeout)
        self._synchronise()
        self._detach()

    def run(self, command, timeout=60):
        """What a (short) command printed in the guest; it has to succeed."""
        vm = self.toolstack.vm
        vm.send(f"xl console {self.name}")
        self._synchronise()
        vm.send(f"{command}; echo status-$?")
        match = vm.expect(r"(?s)(.*?)status-(\d+)\r", timeout)
        self._detach()
        text = re.sub(r"\x1b\[[0-9;]*[a-zA-Z]|\r", "", match[1])
        assert match[2] == "0", f"{command}: {text}"
        return text

    def _synchronise(self):
        self.steps += 1
        self.toolstack.vm.send(f"echo here-$((1000+{self.steps}))")
        self.toolstack.vm.expect(rf"here-{1000 + self.steps}\r", 60)

    def _detach(self):
        self.toolstack.vm.child.send(LEAVE)
        self.toolstack.vm.expect(PROMPT, 60)


class Footprint:
    """What there is before a guest, and has to be there again afterwards."""

    def __init__(self, toolstack):
        self.domains = toolstack.run("xl list | tail -n +2 | awk '{ print $1, $2 }'")
        # xl makes these two folders with the first guest, and keeps them.
        self.store = toolstack.run(
            "xenstore-ls -f | sed 's/ = .*//' | grep -vx -e /vm -e /libxl").splitlines()
        self.free_memory = toolstack.free_memory()

    def assert_same(self, before, what):
        assert self.domains == before.domains, what
        assert self.store == before.store, f"{what}: {set(self.store) ^ set(before.store)}"
        # MiB, rounded: a page that the hypervisor keeps for later may cross a border.
        assert abs(self.free_memory - before.free_memory) <= 1, what
