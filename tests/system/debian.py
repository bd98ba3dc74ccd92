# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""The disks with Debian's user land, for the tests that want more than busybox."""
import fcntl
import subprocess

from machine import BUILD, TOP


def debian_disk(kind="root"):
    """The path of a kind of dom0/build-disk. Made once, by whoever asks first."""
    (BUILD / "dom0").mkdir(parents=True, exist_ok=True)
    with open(BUILD / "dom0" / f"{kind}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = subprocess.run(
            [TOP / "dom0" / "build-disk", kind], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return BUILD / "dom0" / f"{kind}.img"

