# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""Makes one pytest run out of all kinds of tests, from fast to slow.

tests/unit and tests/model: one item for each cmocka test and one for the whole program;
tests/fuzz: one item for each target; tests/proof: one for each harness; tests/system: Python.
The programs are built before (make test-programs), and found under build/tests/.
"""
import fcntl
import json
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
BUILD = TOP / "build"
RESULTS = BUILD / "test-results"
KINDS = ("unit", "model", "fuzz", "proof", "system")
PROGRAM_SECONDS = 400


def pytest_configure(config):
    for kind in KINDS:
        config.addinivalue_line("markers", f"{kind}: a {kind} test")
    config.addinivalue_line("markers", "slow: left out of `make test`")
    config.addinivalue_line("markers", "debian: needs the Debian root disk")
    config.addinivalue_line("markers", "xenios: means nothing for the reference hypervisor")
    config.addinivalue_line("markers", "firmware: boots by GRUB")


def kind_of(path):
    folder = Path(path).resolve().relative_to(TOP / "tests").parts[0]
    return folder if folder in KINDS else None


def pytest_collect_file(file_path, parent):
    if file_path.suffix != ".c":
        return None
    kind = kind_of(file_path)
    if file_path.parent != TOP / "tests" / str(kind):
        return None
    collector = {
        "unit": CmockaFile, "model": CmockaFile, "fuzz": CommandFile, "proof": CommandFile,
    }.get(kind)
    return collector and collector.from_parent(parent, path=file_path)


def pytest_collection_modifyitems(config, items):
    for item in items:
        kind = kind_of(item.path)
        item.add_marker(getattr(pytest.mark, kind))
    items.sort(key=lambda item: KINDS.index(kind_of(item.path)))
    if "slow" not in (config.option.markexpr or ""):
        slow = [item for item in items if item.get_closest_marker("slow")]
        if slow:
            config.hook.pytest_deselected(items=slow)
            items[:] = [item for item in items if item not in slow]


class Failure(Exception):
    """The message is the whole report."""


class ReportingItem(pytest.Item):
    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, Failure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, None, self.name


class CmockaFile(pytest.File):
    """The tests' names come from the source; a program runs once, whoever asks first."""

    def collect(self):
        yield CmockaProgram.from_parent(self, name="program")
        for name in cmocka_names(self.path.read_text(encoding="utf-8")):
            yield CmockaTest.from_parent(self, name=name)

    def outcome(self):
        kind, name = kind_of(self.path), self.path.stem
        folder = RESULTS / os.environ.get("XENIOS_TEST_RUN", str(os.getpid()))
        folder.mkdir(parents=True, exist_ok=True)
        stored = folder / f"{kind}-{name}.json"
        with open(folder / f"{kind}-{name}.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not stored.exists():
                report = folder / f"{kind}-{name}.xml"
                stored.write_text(json.dumps(run_cmocka(BUILD / "tests" / kind / name, report)))
            return json.loads(stored.read_text())


def cmocka_names(source):
    """The tests a source lists by cmocka's macros, or by its own macros made of them."""
    define = r"^[ \t]*#[ \t]*define[ \t]+(\w+)\((?:[^\n]*\\\n)*[^\n]*"
    own = {
        match[1] for match in re.finditer(define, source, re.MULTILINE)
        if "cmocka_unit_test" in match[0]
    }
    body = re.sub(define, "", source, flags=re.MULTILINE)
    macros = "|".join([r"cmocka_unit_test\w*", *sorted(own)])
    return dict.fromkeys(re.findall(rf"\b(?:{macros})\(\s*(\w+)", body))


def run_cmocka(program, report):
    environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="XML", CMOCKA_XML_FILE=str(report))
    # Leak checks need ptrace, which containers often refuse; the tests count references.
    environment["ASAN_OPTIONS"] = "detect_leaks=0:" + os.environ.get("ASAN_OPTIONS", "")
    try:
        run = subprocess.run(
            [program], capture_output=True, text=True, errors="replace", env=environment,
            timeout=PROGRAM_SECONDS, cwd=TOP, check=False,
        )
        status, output = run.returncode, run.stdout + run.stderr
    except subprocess.TimeoutExpired:
        status, output = "time-out", f"still ran after {PROGRAM_SECONDS} s"
    except OSError as error:
        status, output = "not started", str(error)
    tests = {}
    try:
        for case in ElementTree.parse(report).iter("testcase"):
            bad = [part.text or part.tag for part in case if part.tag in ("failure", "error")]
            tests[case.get("name")] = "\n".join(bad)
    except (OSError, ElementTree.ParseError):
        pass
    return {"status": status, "output": output[-8000:], "tests": tests}


class CmockaProgram(ReportingItem):
    """That the program as a whole ended well: sanitizers, group set-up and tear-down."""

    def runtest(self):
        outcome = self.parent.outcome()
        if outcome["status"] != 0 and not any(outcome["tests"].values()):
            raise Failure(f"{self.path.name}: status {outcome['status']}\n{outcome['output']}")


class CmockaTest(ReportingItem):
    def runtest(self):
        outcome = self.parent.outcome()
        if self.name not in outcome["tests"]:
            raise Failure(f"{self.name} gave no result\n{outcome['output'][-1500:]}")
        if outcome["tests"][self.name]:
            raise Failure(outcome["tests"][self.name] + "\n" + outcome["output"][-3000:])


class CommandFile(pytest.File):
    def collect(self):
        yield CommandItem.from_parent(self, name=self.path.stem)


class CommandItem(ReportingItem):
    """A fuzz target or a proof: a script runs it and says how it went."""

    def runtest(self):
        if kind_of(self.path) == "fuzz":
            command = ["scripts/run-fuzz", str(BUILD / "tests" / "fuzz" / self.path.stem)]
        else:
            command = ["scripts/run-proofs", str(self.path.relative_to(TOP))]
        run = subprocess.run(
            command, capture_output=True, text=True, errors="replace", cwd=TOP, check=False,
        )
        if run.returncode != 0:
            raise Failure((run.stdout + run.stderr)[-8000:])


class Counter:
    """Counts in the process that sees every report, for the runner's last line."""

    def __init__(self):
        self.failed, self.passed = set(), set()

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.when == "call" and report.passed:
            self.passed.add(report.nodeid)

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed.add("collecting " + report.nodeid)

    def pytest_sessionfinish(self):
        counts = {"passed": len(self.passed - self.failed), "failed": len(self.failed)}
        target = os.environ.get("XENIOS_TEST_COUNTS")
        if target:
            Path(target).write_text(json.dumps(counts), encoding="utf-8")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session):
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Counter(), "xenios-counter")
