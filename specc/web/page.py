"""The frame of a page: its style, headings with anchors, a list of what it holds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

# Colours by the reader's theme.
THEME = """
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #57606a; --paper: #ffffff;
  --box: #f6f8fa; --rim: #d0d7de; --accent: #0969da; --second: #bc4c00; --good: #1a7f37;
  --bad: #cf222e; --heat: 9 105 218; --most: .75 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --dim: #9198a1; --paper: #0d1117;
  --box: #161b22; --rim: #30363d; --accent: #58a6ff; --second: #f0883e; --good: #56d364;
  --bad: #ff7b72; --heat: 88 166 255; --most: .5 } }
"""
# What `specc.web.charts` draws.
CHARTS = """
svg text { fill: var(--ink); font: 12px system-ui, sans-serif } svg .axis { stroke: var(--rim) }
svg .tick { fill: var(--dim) } svg .one { stroke: var(--accent); fill: none; stroke-width: 2 }
svg .two { stroke: var(--second); fill: none; stroke-width: 2; stroke-dasharray: 6 3 }
svg .dots { fill: var(--accent); fill-opacity: .5 } svg .fill { fill: var(--accent) }
svg .guide { stroke: var(--dim); stroke-dasharray: 3 3 } svg .mark { fill: none;
  stroke: var(--bad); stroke-width: 2 }
"""
STYLE = (
    THEME
    + CHARTS
    + """
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 60rem; padding: 1rem 1rem 4rem; color: var(--ink);
  background: var(--paper); line-height: 1.5;
  font-family: system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif }
h1 { margin: .5rem 0 0; font-size: 1.7rem; overflow-wrap: anywhere }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.25rem; border-bottom: 1px solid var(--rim);
  padding-bottom: .25rem }
h3 { margin: 1.5rem 0 .25rem; font-size: 1rem; overflow-wrap: anywhere }
p { margin: .5rem 0; max-width: 46rem }
a { color: var(--accent) }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
.dim, figcaption { color: var(--dim); font-size: .875rem }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1rem 0; padding: 0;
  list-style: none }
.wide { overflow-x: auto; max-width: 100% }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--rim);
  white-space: nowrap }
th { font-weight: 600 } th:first-child, td.name, th.name { text-align: left }
caption { text-align: left; color: var(--dim); padding: .25rem 0; white-space: nowrap }
figure { margin: .75rem 0 } figure > img, figure > svg { max-width: 100%; height: auto }
img { image-rendering: pixelated }
.cards { display: flex; flex-wrap: wrap; gap: .75rem; margin: .75rem 0; padding: 0;
  list-style: none }
.cards.even { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)) }
.card { background: var(--box); border: 1px solid var(--rim); border-radius: .5rem;
  padding: .6rem .8rem; min-width: 7rem }
.card b { display: block; font-size: 1.25rem; font-variant-numeric: tabular-nums }
.card img, .card code { display: block; margin-bottom: .4rem }
.pair { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start }
.pair figure { flex: 1 1 20rem; max-width: 440px }
.bar { display: block; height: .25rem; background: var(--accent); border-radius: 2px;
  min-width: 1px; margin-left: auto }
details > summary { cursor: pointer; padding: .25rem 0 }
@media print { nav { display: none } body { max-width: none } }
"""
)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what stands below it; `body` is HTML."""

    title: str
    body: str

    @property
    def anchor(self) -> str:
        """The name that links use."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


def page(title: str, lead: str, sections: Sequence[Section], style: str = "") -> str:
    """A whole document; `lead` is HTML that stands below the title, `style` further CSS."""
    links = "".join(f'<li><a href="#{s.anchor}">{escape(s.title)}</a></li>' for s in sections)
    parts = "\n".join(
        f'<section aria-labelledby="{s.anchor}"><h2 id="{s.anchor}">{escape(s.title)}</h2>\n'
        f"{s.body}\n</section>"
        for s in sections
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>{STYLE}{style}</style>
</head>
<body>
<header><h1>{escape(title)}</h1>
{lead}</header>
<nav aria-label="Contents"><ul>{links}</ul></nav>
<main>
{parts}
</main>
</body>
</html>
"""
