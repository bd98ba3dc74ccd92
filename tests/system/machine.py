# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""A machine under test: QEMU with a hypervisor in it and its serial line.

    machine = Machine(cpus=2, kernel_append="xenios.test=boot")
    machine.expect(r"XENIOS-DOM0-READY cpus=(\\d+)")

What a test decides upon is what the machine printed. Every time limit is real time, and a
generous multiple of what the test needs: it catches a hang, it measures nothing.
"""
import os
import re
import time
from pathlib import Path

import pexpect

TOP = Path(__file__).resolve().parent.parent.parent
BUILD = TOP / "build"
QEMU = BUILD / "qemu" / "qemu-system-x86_64"
REFERENCE = BUILD / "reference" / "xen"
LOGS = BUILD / "test-logs"

DOM0_KERNEL = BUILD / "dom0" / "vmlinuz"
DOM0_INITRAMFS = BUILD / "dom0" / "initramfs.cpio.gz"

# Slow hosts set it above 1.
PATIENCE = float(os.environ.get("XENIOS_PATIENCE", "1"))

# What ends any test at once: nothing that follows will be what it waits for.
FATAL = (
    r"\(XEN\) Panic on CPU",
    r"Xenios panic",
    r"Kernel panic - not syncing",
    r"XENIOS-DOM0-ERROR[^\r]*",
)


def image_under_test():
    return Path(os.environ.get("XENIOS_IMAGE", BUILD / "xenios")).resolve()


def is_reference():
    return image_under_test() == REFERENCE.resolve()


class MachineError(AssertionError):
    """What was waited for was not printed; the message has the end of the console."""


class Machine:
    """One QEMU. Use it as a context manager, or call close()."""

    def __init__(
        self,
        name,
        image=None,
        cpus=1,
        memory=1024,
        machine="q35",
        cpu="max",
        append="",
        kernel=DOM0_KERNEL,
        kernel_append="",
        initramfs=DOM0_INITRAMFS,
        devices=(),
        boot=None,
        accel="tcg,thread=single",
        timeout=300,
        fatal=True,
        command=None,
    ):
        """memory in MiB. boot: QEMU arguments that replace the direct boot of the image; kernel
        None boots the hypervisor with no module at all; fatal: a panic ends the test; command:
        what starts the machine in place of all this, with the serial line as its terminal."""
        self.name = name
        self.fatal = FATAL if fatal else ()
        self.timeout = timeout
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log_path = LOGS / f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', name)}.log"
        arguments = ["-machine", machine, "-accel", accel, "-cpu", cpu, "-smp", str(cpus)]
        arguments += ["-m", str(memory), "-nodefaults", "-no-reboot", "-display", "none"]
        arguments += ["-serial", "stdio", *map(str, devices)]
        if boot is None:
            boot = ["-kernel", str(image or image_under_test())]
            boot += ["-append", f"{console_options()} {append}".strip()]
            if kernel is not None:
                boot += ["-initrd", module_list(kernel, kernel_append, initramfs)]
        command = list(map(str, command or [QEMU, *arguments, *boot]))
        self.log = open(self.log_path, "w", encoding="utf-8", errors="replace")
        self.log.write(f"{' '.join(command)}\n")
        self.started = time.monotonic()
        self.deadline = self.started + timeout * PATIENCE
        self.child = pexpect.spawn(
            command[0], command[1:], encoding="utf-8", codec_errors="replace", echo=False,
            maxread=65536, searchwindowsize=None,
        )
        self.child.logfile_read = self.log
        self.child.delaybeforesend = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close(keep_log=kind is not None)

    def expect(self, pattern, timeout=None):
        """Waits for a pattern and returns its match. Time is limited by the whole test's."""
        left = max(self.deadline - time.monotonic(), 0.1)
        patterns = [pattern, pexpect.EOF, pexpect.TIMEOUT, *self.fatal]
        limit = min(left, timeout * PATIENCE) if timeout else left
        found = self.child.expect(patterns, timeout=limit)
        if found == 0:
            return self.child.match
        reason = {1: "the machine ended", 2: f"it did not come in {limit:.0f} s"}.get(found)
        if reason is None:
            reason = f"it printed {self.child.after!r}"
            self.drain(2)
        raise MachineError(f"{self.name}: waited for {pattern!r}, but {reason}\n{self.tail()}")

    def expect_end(self, timeout=None):
        """Waits until the machine has powered itself off (or reset, which ends QEMU here)."""
        left = max(self.deadline - time.monotonic(), 0.1)
        limit = min(left, timeout * PATIENCE) if timeout else left
        if self.child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=limit) != 0:
            raise MachineError(f"{self.name}: still runs after {limit:.0f} s\n{self.tail()}")

    def drain(self, seconds):
        """Reads on for a while, so that the log holds what came after a failure."""
        self.child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=seconds)

    def send(self, line):
        self.child.send(line + "\n")

    def shell(self, command, pattern, timeout=None):
        """Types a command into dom0's shell and waits for what it prints."""
        self.send(command)
        return self.expect(pattern, timeout)

    def seconds(self):
        return time.monotonic() - self.started

    def tail(self, lines=25):
        self.log.flush()
        text = self.log_path.read_text(encoding="utf-8", errors="replace")
        last = [line for line in text.splitlines() if line.strip()][-lines:]
        return f"--- end of {self.log_path} ---\n" + "\n".join(last)

    def close(self, keep_log=False):
        self.child.close(force=True)
        self.log.close()
        if not keep_log and not os.environ.get("XENIOS_KEEP_LOGS"):
            self.log_path.unlink(missing_ok=True)


# How dom0 names the first disk of each model.
DISK_NAMES = {"virtio-blk": "/dev/vda", "ahci": "/dev/sda", "nvme": "/dev/nvme0n1"}


def disk_devices(path, model="virtio-blk", keep=False):
    """QEMU's arguments for one disk. What is written is lost, unless it is to be kept."""
    device = {"virtio-blk": "virtio-blk-pci", "ahci": "ide-hd,bus=ide.0",
              "nvme": "nvme,serial=xenios"}[model]
    snapshot = "" if keep else ",snapshot=on"
    return ["-drive", f"if=none,id=disk0,file={path},format=raw{snapshot}",
            "-device", f"{device},drive=disk0"]


def console_options():
    return "console=com1 com1=115200,8n1 loglvl=all"


def module_list(kernel, kernel_append, initramfs):
    words = f"{kernel} console=hvc0 {kernel_append}".strip()
    # QEMU separates modules by commas; a comma in a command line is written twice.
    modules = [words.replace(",", ",,")]
    if initramfs is not None:
        modules.append(str(initramfs).replace(",", ",,"))
    return ",".join(modules)
