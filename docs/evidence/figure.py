"""Differences with their intervals as a figure: one line a comparison, one column a score. For the scripts beside it.

A row has `task`, `label` and `findings`: for every score a `difference` (mean, low, high) and an `outcome` (better, worse,
none). A column is a score, its title, the values at the left and right end of its plot, and its ticks. Standard library alone.
"""

WIDTH, LEFT, CELL, GAP, TOP, ROW, HEADING = 900, 238, 145, 18, 62, 24, 30
INK, FAINT, LINE, BAND = "#1f2937", "#6b7280", "#9ca3af", "#f6f7f9"
COLOURS = {"better": "#0b6bcb", "worse": "#c2410c", "none": "#6b7280"}


def signed(value, digits):
    text = f"{value:+.{digits}f}"
    return text.replace("-", "−")


def text(x, y, words, anchor="start", size=12.5, fill=INK, weight="normal"):
    return (f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size:g}" fill="{fill}" '
            f'font-weight="{weight}">{words}</text>')


def mark(finding, at, left, right, y):
    """An interval with its mean; an arrow where it leaves the plot."""
    effect, colour = finding["difference"], COLOURS[finding["outcome"]]
    ends = sorted((at(effect["low"]), at(effect["high"])))
    from_, to = max(ends[0], left), min(ends[1], right)
    out = [f'<line x1="{from_:.1f}" x2="{to:.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2.2"/>']
    for end, edge, way in ((ends[0] < left, left, -1), (ends[1] > right, right, 1)):
        if end:
            out.append(f'<path d="M{edge + 5 * way:.1f} {y} l{-7 * way} -4 v8 z" fill="{colour}"/>')
    out.append(f'<circle cx="{at(effect["mean"]):.1f}" cy="{y}" r="3.8" fill="{colour}" stroke="#fff" stroke-width="1"/>')
    return out


def figure(title, groups, columns, note):
    """An SVG file; `groups` are titles with rows, `title` may have tags, and `note` stands below."""
    height = TOP + sum(HEADING + ROW * len(rows) for _, rows in groups) + 58
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="Arial, Helvetica, sans-serif" role="img" '
        'aria-label="Differences by task and score, with 95 % intervals">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        text(16, 24, title, size=15, weight="bold"),
        text(WIDTH - 16, 24, "to the right of the line: better", "end", 12.5, FAINT),
    ]
    body, y = [], TOP
    for heading, rows in groups:
        body.append(text(16, y + 20, heading, size=12.5, weight="bold"))
        y += HEADING
        for index, row in enumerate(rows):
            if index % 2 == 0:
                body.append(f'<rect x="8" y="{y}" width="{WIDTH - 16}" height="{ROW}" fill="{BAND}"/>')
            body.append(text(24, y + 16.5, row.task))
            body.append(text(LEFT - 6, y + 16.5, row.label, "end", 11.5, FAINT))
            y += ROW
    bottom = y + 4
    out += body
    for index, (metric, head, low, high, ticks) in enumerate(columns):
        left = LEFT + GAP + index * (CELL + GAP)
        right = left + CELL
        def at(value):
            return left + (value - low) / (high - low) * CELL
        out.append(text((left + right) / 2, 52, head, "middle", 12.5, INK, "bold"))
        for tick in ticks:
            x = at(tick)
            main = tick == 0
            out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}" stroke="{LINE if main else "#e5e7eb"}" '
                       f'stroke-width="{1.4 if main else 1}"/>')
            label = "0" if main else signed(tick, 0 if abs(tick) >= 1 else 2)
            out.append(text(x, bottom + 15, label, "middle", 11, FAINT))
        y = TOP
        for _, rows in groups:
            y += HEADING
            for row in rows:
                out += mark(row.findings[metric], at, left, right, y + ROW / 2)
                y += ROW
    y, x = height - 16, 24
    for outcome, words in (("better", "better"), ("worse", "worse"), ("none", "no difference is shown")):
        out.append(f'<line x1="{x}" x2="{x + 26}" y1="{y - 4}" y2="{y - 4}" stroke="{COLOURS[outcome]}" stroke-width="2.2"/>')
        out.append(f'<circle cx="{x + 13}" cy="{y - 4}" r="3.8" fill="{COLOURS[outcome]}" stroke="#fff"/>')
        out.append(text(x + 33, y, words, size=11.5, fill=FAINT))
        x += 48 + 6.4 * len(words)
    out.append(text(WIDTH - 16, y, note, "end", 11.5, FAINT))
    return "\n".join(out + ["</svg>", ""])
