"""Markdown as a reader sees it: rendered by another program, which must find nothing in it but headings and tables."""

from markdown_it import MarkdownIt

PLAIN = {
    "heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "fence",
    *(f"{part}_{edge}" for part in ("table", "thead", "tbody", "tr", "th", "td") for edge in ("open", "close")),
}  # fmt: skip


def texts_in(document: str) -> list[str]:
    """The text of every cell, heading and block, in order; there is no markup in any."""
    found = []
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(document):
        assert token.type in PLAIN, f"{token.type} in {document!r}"
        if token.type == "fence":
            found.append(token.content)
        elif token.type == "inline":
            kinds = {child.type for child in token.children or ()}
            assert kinds <= {"text", "text_special"}, f"{kinds} in {token.content!r}"
            found.append("".join(child.content for child in token.children or ()))
    return found


def shown(document: str) -> str:
    """All that a reader sees, a line each."""
    return "\n".join(texts_in(document))
