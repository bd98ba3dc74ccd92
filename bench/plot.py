# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""The ratios as a picture: a bar for each row, a line at 1. SVG, written as text."""

BAR, GAP, LABEL, UNIT, EDGE = 11, 4, 130, 260, 50
LONGEST = 1.5
BETTER, WORSE = "#2a7f62", "#c0392b"


def text(x, y, words, more=""):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x}" y="{y}"{more}>{words}</text>'


def bar(y, name, ratio):
    width = min(ratio, LONGEST) * UNIT
    colour = BETTER if ratio <= 1 else WORSE
    return [
        text(LABEL - 6, y + BAR - 2, name, ' text-anchor="end"'),
        f'<rect x="{LABEL}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{colour}"/>',
        text(round(LABEL + width + 4), y + BAR - 2, f"{ratio:.2f}"),
    ]


def draw(groups):
    """groups: [(title, [(row, ratio)])]"""
    lines, y = [], 12
    for title, rows in groups:
        lines.append(text(4, y + BAR, title, ' font-weight="bold"'))
        y += BAR + 2 * GAP
        top = y
        for name, ratio in rows:
            lines += bar(y, name, ratio)
            y += BAR + GAP
        x = LABEL + UNIT
        lines.append(f'<path d="M{x} {top - GAP}V{y}" stroke="#333" stroke-dasharray="3 2"/>')
        y += 3 * GAP
    width = int(LABEL + LONGEST * UNIT + EDGE)
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" '
            f'viewBox="0 0 {width} {y}" font-family="sans-serif" font-size="10">')
    licence = ("<!-- SPDX-License-Identifier: GPL-2.0-or-later -->\n"
               "<!-- Copyright (C) the Xenios authors -->")
    paper = f'<rect width="{width}" height="{y}" fill="white"/>'
    return "\n".join([licence, head, paper, *lines, "</svg>", ""])
