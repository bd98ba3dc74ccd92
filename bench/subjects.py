# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""What is measured, one boot each: dom0 by itself, and guests that Debian's xl makes.

A subject is a function (image, mode, name) -> {row: median of what was printed for it}.
"""
import re
import statistics
import tempfile
from pathlib import Path

from machine import TOP, Machine
from toolstack import Toolstack

TIMEOUT = 1800


def rows_of(text):
    rows = {}
    for row, value in re.findall(r"^micro (\S+) (\d+)\r*$", text, re.MULTILINE):
        rows.setdefault(row, []).append(int(value))
    return {row: statistics.median(values) for row, values in rows.items()}


def dom0(image, mode, name):
    """dom0/tests/micro: the services of kernel and hypervisor in dom0."""
    with Machine(name, image=image, memory=1024, append="dom0_mem=512M", devices=mode.devices(),
                 kernel_append="xenios.test=micro quiet", timeout=TIMEOUT,
                 **mode.machine()) as machine:
        text = machine.expect(r"(?s)XENIOS-DOM0-READY(.*)XENIOS-TEST micro exit=0\r")[1]
        machine.expect_end(timeout=60)
    return rows_of(text)


def guest(image, mode, name):
    """bench/in-dom0: life, services, disk and network of guests."""
    def machine(**options):
        options["devices"] = [*options["devices"], *mode.devices()]
        return Machine(name, image=image, **{**options, **mode.machine()})

    files = {"in-dom0": TOP / "bench" / "in-dom0"}
    with tempfile.TemporaryDirectory(prefix="xenios-bench-") as folder:
        toolstack = Toolstack(machine, Path(folder), files, memory=2048, dom0_memory=768,
                              kernel_append="quiet", timeout=TIMEOUT)
        with toolstack.vm:
            return rows_of(toolstack.run(f"sh /files/in-dom0 {mode.cpus}"))


SUBJECTS = {"dom0": dom0, "guest": guest}
TITLES = {"dom0": "In dom0", "guest": "Guests"}
