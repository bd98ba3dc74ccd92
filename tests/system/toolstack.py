# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""A dom0 with Debian's own Xen tools and their daemons, driven through its shell.

    toolstack = toolstack(cpus=2, files={"probe.cfg": text, "probe": path})
    toolstack.run("xl create /files/probe.cfg")

A test never waits for a length of time: `wait` repeats a command until it prints what is asked.
"""
import re
import subprocess
from pathlib import Path

from machine import BUILD, TOP

PROMPT = r"root@dom0:~# "


def toolstack_initramfs():
    """dom0 with the tools. Made anew if it is out of date; of two at once the second waits."""
    result = subprocess.run(
        [TOP / "dom0" / "build-toolstack"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return BUILD / "dom0" / "toolstack.cpio"


def disk_of_files(folder, files):
    """An ext4 image labelled `files`. files: name -> its text, or the path of what to copy."""
    tree = folder / "files"
    tree.mkdir()
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else Path(content).read_bytes()
        (tree / name).write_bytes(data)
    image = folder / "files.img"
    mebibytes = 8 + sum(path.stat().st_size for path in tree.iterdir()) * 5 // 4 // 2**20
    make = ["/sbin/mkfs.ext4", "-q", "-L", "files", "-d", tree, image, f"{mebibytes}M"]
    subprocess.run(make, check=True)
    return image


class Shell:
    """A machine at the prompt of dom0's shell."""

    def __init__(self, vm):
        self.vm = vm
        self.vm.expect(PROMPT)

    def attempt(self, command, timeout=None):
        """(exit status, what the command printed)."""
        self.vm.send(f"{command}; echo \"exit=$?\"")
        self.vm.expect(r"echo \"exit=\$\?\"\r")
        match = self.vm.expect(r"(?s)(.*?)exit=(\d+)\s+" + PROMPT, timeout)
        return int(match[2]), match[1].replace("\r", "")

    def run(self, command, timeout=None):
        """What the command printed; it has to succeed."""
        status, text = self.attempt(command, timeout)
        assert status == 0, f"{command}: {text}"
        return text

    def fields(self, command):
        """Lines `name : value`."""
        return dict(re.findall(r"^(\w+) *: *(.*)$", self.run(command), re.MULTILINE))

    def wait(self, command, pattern, timeout=120):
        """Repeats a command in dom0 until its output has the extended regular expression."""
        return self.run(f"until {command} | grep -E '{pattern}'; do sleep 0.2; done", timeout)


class Toolstack(Shell):
    """The machine with the toolstack in its initramfs."""

    def __init__(self, machine, folder, files, cpus=2, memory=2048, dom0_memory=1024,
                 append="", kernel_append="", devices=(), timeout=400):
        """memory in MiB: the machine's, and dom0's of it. files are found in dom0's
        /files; the first virtio disk among the devices is dom0's /dev/vda."""
        arguments = [*devices]
        if files:
            disk = disk_of_files(folder, files)
            arguments += ["-drive", f"if=none,id=files,file={disk},format=raw,snapshot=on"]
            arguments += ["-device", "virtio-blk-pci,drive=files"]
        vm = machine(
            cpus=cpus, memory=memory, append=f"dom0_mem={dom0_memory}M {append}",
            initramfs=toolstack_initramfs(), kernel_append=kernel_append, devices=arguments,
            timeout=timeout,
        )
        vm.expect(r"XENIOS-TOOLSTACK-READY status=0\r")
        super().__init__(vm)
        if files:
            self.run("mkdir -p /files && mount LABEL=files /files")

    def free_memory(self):
        """MiB that belong to no domain; dying domains have given back what they can."""
        return int(self.fields("xl info")["free_memory"])
