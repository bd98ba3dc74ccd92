# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""PERFORMANCE.md: its tables, one section for each subject and mode.

A section begins with the comment `<!-- bench SUBJECT MODE -->` and ends with `<!-- bench end -->`;
what is outside of sections is written by people and stays. A run replaces the sections it measured.
"""
import re
from dataclasses import dataclass

END = "<!-- bench end -->"
HEAD = "| row | Debian's Xen 4.17 | Xenios | ratio |\n|---|---:|---:|---:|"


@dataclass
class Row:
    """The medians, and how far the rounds lay apart in hundredths of the median (None: one round)."""

    name: str
    reference: float
    xenios: float
    reference_spread: float | None = None
    xenios_spread: float | None = None

    @property
    def ratio(self):
        return self.xenios / self.reference if self.reference else float(self.xenios > 0)


def begin(subject, mode):
    return f"<!-- bench {subject} {mode} -->"


def amount(row, value, spread):
    if row.endswith("-bytes"):
        text = f"{value / 1024:,.0f} KiB"
    else:
        for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1)):
            if value >= size or size == 1:
                break
        text = f"{value / size:.4g} {unit}"
    return text if spread is None else f"{text} ± {spread / 2:.0f} %"


def section(subject, mode, title, facts, rows):
    lines = [begin(subject, mode), f"### {title}", "", facts, "", HEAD]
    for row in rows:
        reference = amount(row.name, row.reference, row.reference_spread)
        xenios = amount(row.name, row.xenios, row.xenios_spread)
        lines.append(f"| {row.name} | {reference} | {xenios} | {row.ratio:.2f} |")
    return "\n".join([*lines, END])


def replace(text, subject, mode, new):
    """The text with the section new in place of the old one, or behind the last one."""
    pattern = re.escape(begin(subject, mode)) + r".*?" + re.escape(END)
    if re.search(pattern, text, re.DOTALL):
        return re.sub(pattern, lambda _: new, text, count=1, flags=re.DOTALL)
    return f"{text.rstrip()}\n\n{new}\n"


def ratios(text):
    """[(title, [(row, ratio)])] of all sections."""
    found = []
    for body in re.findall(r"<!-- bench \S+ \S+ -->\n(.*?)" + re.escape(END), text, re.DOTALL):
        title = re.search(r"^### (.*)$", body, re.MULTILINE)[1]
        rows = re.findall(r"^\| (\S+) \|.*\| ([0-9.]+) \|$", body, re.MULTILINE)
        found.append((title, [(name, float(ratio)) for name, ratio in rows]))
    return found
