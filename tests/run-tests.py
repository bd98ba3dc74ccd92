#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""Builds and runs every kind of test; the last line is `N passed, N failed`.

  tests/run-tests.py [--only KIND]... [--image PATH] [-j N] [PYTEST-ARGUMENT...]

KIND: unit, model, fuzz, proof, system. --image chooses the hypervisor of the system tests,
build/xenios by default; `--image reference` is Debian's Xen. More arguments go to pytest:
`-k NAME` selects tests, `-m slow` runs those that are otherwise left out.
"""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILD = TOP / "build"
COUNTS = BUILD / "test-results" / "counts.json"
KINDS = ("unit", "model", "fuzz", "proof", "system")


def prepare(kinds, image, jobs):
    """Builds what the tests need; the commands that failed."""
    make = ["make", "-s", f"-j{jobs}"]
    commands = []
    if set(kinds) & {"unit", "model", "fuzz", "proof"}:
        commands.append([*make, "-k", "test-programs"])
    if "system" in kinds:
        commands.append(["dom0/build-toolstack"])
        commands.append([*make, "guests"])
        if image == "reference":
            commands.append(["dom0/fetch-reference"])
        elif image is None:
            commands.append([*make, "all"])
    return [
        " ".join(command) for command in commands
        if subprocess.run(command, cwd=TOP, check=False).returncode != 0
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=KINDS)
    parser.add_argument("--image")
    parser.add_argument("-j", type=int, default=min(2, os.cpu_count() or 1))
    options, rest = parser.parse_known_args()
    kinds = options.only or KINDS

    started = time.monotonic()
    broken = prepare(kinds, options.image, options.j)
    for command in broken:
        print(f"run-tests: `{command}` failed", flush=True)

    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment["XENIOS_TEST_RUN"] = str(os.getpid())
    environment["XENIOS_TEST_COUNTS"] = str(COUNTS)
    if options.image:
        path = BUILD / "reference" / "xen" if options.image == "reference" else options.image
        environment["XENIOS_IMAGE"] = str(Path(path).resolve())
    folders = [f"tests/{kind}" for kind in kinds if (TOP / "tests" / kind).is_dir()]
    COUNTS.parent.mkdir(parents=True, exist_ok=True)
    COUNTS.unlink(missing_ok=True)
    command = ["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rf"]
    command += ["--tb=short", "--durations=10", "-c", "/dev/null", "--rootdir", "."]
    command += ["-n", str(options.j)] if options.j > 1 else []
    status = subprocess.run(
        [*command, *rest, *folders], cwd=TOP, env=environment, check=False).returncode

    counts = {"passed": 0, "failed": 0}
    if COUNTS.exists():
        counts = json.loads(COUNTS.read_text())
    # What could not be built, or a runner that ended badly, is a failure too.
    if broken or (status not in (0, 5) and not counts["failed"]):
        counts["failed"] += max(len(broken), 1)
    print(f"{time.monotonic() - started:.0f} seconds")
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
