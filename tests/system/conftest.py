# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""What every system test shares."""
import hashlib
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine import Machine, is_reference  # noqa: E402
from toolstack import Toolstack  # noqa: E402


@pytest.fixture(autouse=True)
def only_for_xenios(request):
    if is_reference() and request.node.get_closest_marker("xenios"):
        pytest.skip("means nothing for the reference")


@pytest.fixture
def machine(request):
    """Starts machines named after the test; keeps their logs when the test fails."""
    started = []

    def start(**options):
        name = request.node.name + (f"-{len(started)}" if started else "")
        started.append(Machine(name, **options))
        return started[-1]

    yield start
    failed = getattr(request.node, "failed", True)
    for each in started:
        each.close(keep_log=failed)


@pytest.fixture
def toolstack(machine, tmp_path):
    """Starts a dom0 with the Xen tools; see Toolstack for what it takes."""
    return lambda files=(), **options: Toolstack(machine, tmp_path, dict(files), **options)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    result = yield
    if call.when == "call":
        item.failed = result.get_result().failed


@pytest.fixture
def random_file(tmp_path):
    """A file of reproducible random bytes and the MD5 sum of it."""

    def make(name, mebibytes, seed=1):
        data = random.Random(seed).randbytes(mebibytes << 20)
        path = tmp_path / name
        path.write_bytes(data)
        return path, hashlib.md5(data).hexdigest()

    return make
