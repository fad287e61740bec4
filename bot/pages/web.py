"""The same Markdown as a page that a browser opens by itself: one file, no script, nothing loaded from elsewhere."""

from __future__ import annotations

import html

_STYLE = """
:root { color-scheme: light dark; --line: #d1d9e0; --soft: #f6f8fa; --ink: #1f2328; --page: #fff }
@media (prefers-color-scheme: dark) { :root { --line: #3d444d; --soft: #151b23; --ink: #f0f6fc; --page: #0d1117 } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
       max-width: 52rem; margin: 0 auto; padding: 1rem;
       overflow-wrap: break-word }
h1 { font-size: 1.3rem }
h2 { font-size: 1.1rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100%; font-size: .92rem; margin: .8rem 0 }
th, td { border: 1px solid var(--line); padding: .3rem .5rem; text-align: left; vertical-align: top }
th { background: var(--soft) } td code { overflow-wrap: break-word }
code { background: var(--soft); padding: .1em .3em; border-radius: 4px; font-size: .88em }
pre { background: var(--soft); padding: .7rem; overflow-x: auto } pre code { padding: 0 }
img { max-width: 100%; background: #fff } details { margin: .8rem 0 } summary { cursor: pointer }
@media (max-width: 500px) {
  body { padding: .6rem; font-size: 15px } th, td { padding: .25rem .3rem; font-size: .85rem }
}
"""


def page(title: str, markdown: str) -> str:
    """A whole HTML document."""
    from markdown_it import MarkdownIt

    inner = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown)
    policy = "default-src 'none'; img-src 'self' data: file:; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{html.escape(title)}</h1>\n{inner}</body>\n</html>\n"
    )
