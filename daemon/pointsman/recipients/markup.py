"""Answers in XML and HTML, searched by XPath and by CSS selectors.

Of a path that a person wrote, how far it may look around is bounded, because a predicate that
searches the whole document for each of its elements takes the square of its size.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from pointsman.recipients.tags import as_data

__all__ = ["HtmlDocument", "XmlDocument"]

_LONGEST_PATH = 500
_LONGEST_XPATH = 2_000
_MOST_FOUND = 100
_MOST_WIDE, _MOST_WIDE_INSIDE = 12, 1
_SMALL = 16 * 1024
"""Characters of a document in which a path may look around from every element."""

_WIDE = re.compile(r"//|descendant|ancestor")
_AROUND = re.compile(r"following|preceding")
_RELATIVE = re.compile(r"[A-Za-z_*@.](?![\w-]*\()")
_ATTRIBUTE = re.compile(r"(?:^|\s)@([\w:-]+)\s*$")
_ENTITY = re.compile(rb"<!ENTITY", re.IGNORECASE)
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


class XmlDocument:
    """An XML document, in which paths are XPath 1.0."""

    def __init__(self, text: str, root: Any) -> None:
        self.text = text
        self.root = root

    @classmethod
    def read(cls, text: str, body: bytes) -> XmlDocument | None:
        """Return the document, ``None`` for one that is not well formed or defines entities."""
        from lxml import etree  # noqa: PLC0415 - a library of C, for answers in XML

        if _ENTITY.search(body) or _ENTITY.search(text.encode("utf-8", "replace")):
            return None
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            content = _DECLARATION.sub("", text).strip().encode("utf-8", "replace")
            root = etree.fromstring(content, parser)
        except (etree.XMLSyntaxError, ValueError):
            return None
        return None if root is None else cls(text, root)

    def found(self, path: str) -> list[str]:
        """Return the texts and attributes at a path; of an element, all the text in it."""
        return [_text(node) for node in _nodes(self.root, path, len(self.text))]

    def searched(self, path: str) -> list[str]:
        """Return the same, but of an element its XML."""
        return [_markup(node, "xml") for node in _nodes(self.root, path, len(self.text))]

    def appended(self) -> dict[str, Any]:
        """Return the document as data, its root element included."""
        return {_local(self.root.tag): as_data(self.root)}


class HtmlDocument:
    """An HTML page, in which paths are CSS selectors; ``#message @reason`` is an attribute."""

    def __init__(self, text: str, root: Any) -> None:
        self.text = text
        self._root = root

    @classmethod
    def read(cls, text: str) -> HtmlDocument | None:
        """Return the page, ``None`` for a text that is none."""
        from lxml import etree, html  # noqa: PLC0415 - a library of C, for answers in HTML

        parser = html.HTMLParser(no_network=True, huge_tree=False, encoding="utf-8")
        try:
            content = _DECLARATION.sub("", text).encode("utf-8", "replace")
            root = html.document_fromstring(content, parser=parser)
        except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
            return None
        return None if root is None else cls(text, root)

    def found(self, path: str) -> list[str]:
        """Return the texts of the elements that a selector finds, or their attribute."""
        named = _ATTRIBUTE.search(path)
        nodes = self._selected(path[: named.start()] if named else path)
        if named:
            return [node.get(named[1]) for node in nodes if node.get(named[1]) is not None]
        return [_text(node) for node in nodes]

    def searched(self, path: str) -> list[str]:
        """Return the same, but of an element the HTML in it."""
        if _ATTRIBUTE.search(path):
            return self.found(path)
        return [_markup(node, "html") for node in self._selected(path)]

    def appended(self) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def _selected(self, selector: str) -> list[Any]:
        path = _path_of(selector.strip() or "*")
        return [] if path is None else _nodes(self._root, path, len(self.text))


@lru_cache(maxsize=256)
def _path_of(selector: str) -> str | None:
    """Return the XPath of a CSS selector, ``None`` for one that is wrong."""
    import cssselect  # noqa: PLC0415 - for answers in HTML

    if len(selector) > _LONGEST_PATH:
        return None
    try:
        return cssselect.HTMLTranslator().css_to_xpath(selector)
    except (cssselect.SelectorError, RecursionError, ValueError):
        return None


def _nodes(root: Any, path: str, size: int) -> list[Any]:
    """Return what an XPath finds, a number or text as the only one; nothing for a wrong one."""
    from lxml import etree  # noqa: PLC0415 - as above

    if not _is_bounded(path, size):
        return []
    paths = [f"/{path}", path] if _RELATIVE.match(path) else [path]
    for one in paths:
        try:
            namespaces = {key: value for key, value in root.nsmap.items() if key}
            evaluate = etree.XPathElementEvaluator(
                root, namespaces=namespaces, regexp=False, smart_strings=False
            )
            found = evaluate(one)
        except (etree.XPathError, ValueError, TypeError, RecursionError):
            continue
        if found or not isinstance(found, list):
            return found[:_MOST_FOUND] if isinstance(found, list) else [found]
    return []


def _is_bounded(path: str, size: int) -> bool:
    """Return whether a path looks through a document of that size only so often."""
    wide = [found.start() for found in _WIDE.finditer(path)]
    inside = sum(path.count("[", 0, at) > path.count("]", 0, at) for at in wide)
    around = len(_AROUND.findall(path))
    return (
        len(path) <= _LONGEST_XPATH
        and len(wide) <= _MOST_WIDE
        and inside + around <= (_MOST_WIDE_INSIDE if size <= _SMALL else 0)
    )


def _text(node: Any) -> str:
    if hasattr(node, "itertext"):
        return "".join(node.itertext())
    if isinstance(node, bool):
        return "true" if node else "false"
    if isinstance(node, float):
        return str(int(node)) if node.is_integer() else str(node)
    return str(node)


def _markup(node: Any, method: str) -> str:
    from lxml import etree  # noqa: PLC0415 - as above

    if not hasattr(node, "itertext"):
        return _text(node)
    return str(etree.tostring(node, encoding="unicode", method=method, with_tail=False))


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
