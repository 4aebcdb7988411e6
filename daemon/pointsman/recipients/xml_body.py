"""XML from dotted names: ``lead.name``, ``lead.tag.0``, ``lead.phone@kind``, ``lead.phone.#text``.

Names that XML does not allow are left out; :func:`wrong_name` finds one before anything is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from pointsman.recipients.given import Given, grown, leaves, text_of

__all__ = ["elements", "tree_of", "wrong_name", "xml_document"]

_NAME = re.compile(r"(?:[A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*")
_UNPRINTABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CDATA = re.compile(r"<!\[CDATA\[(?:(?!\]\]>).)*\]\]>", re.DOTALL)
_ATTRIBUTES = "attributes"


def xml_document(given: Given) -> str:
    """Return a document, indented; the declaration alone if there is nothing to say."""
    lines = ['<?xml version="1.0"?>', *elements(tree_of(given))]
    return "\n".join(lines)


def tree_of(given: Given) -> Any:
    """Return the elements by name; attributes have names that begin with ``@``."""
    named = {name.replace("@", ".@").replace("..@", ".@"): v for name, v in leaves(given)}
    parents = {name[:at] for name in named for at, sign in enumerate(name) if sign == "."}
    return grown({f"{name}.#text" if name in parents else name: v for name, v in named.items()})


def wrong_name(given: Given) -> str | None:
    """Return a name in ``given`` that no element or attribute can have."""
    for name, _ in leaves(given):
        for part in re.split(r"[.@]", name):
            if part and part != "#text" and not part.isdigit() and not _NAME.fullmatch(part):
                return part
    return None


def elements(tree: Any, indent: str = "") -> Iterator[str]:
    """Yield the lines of the elements in a tree."""
    for name, value in tree.items() if isinstance(tree, Mapping) else ():
        if name.startswith("@") or name == "#text" or not _NAME.fullmatch(name):
            continue
        for item in value if isinstance(value, list) else [value]:
            yield from _element(name, item, indent)


def _element(name: str, value: Any, indent: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        text = _text(value)
        yield f"{indent}<{name}>{text}</{name}>" if text else f"{indent}<{name}/>"
        return
    begin = f"{indent}<{name}{_attributes(value)}"
    inner = list(elements({k: v for k, v in value.items() if k != _ATTRIBUTES}, indent + "  "))
    text = _text(value.get("#text", value.get("")))
    if inner:
        yield from (f"{begin}>{text}", *inner, f"{indent}</{name}>")
    else:
        yield f"{begin}>{text}</{name}>" if text else f"{begin}/>"


def _attributes(value: Mapping[str, Any]) -> str:
    named = {key[1:]: item for key, item in value.items() if key.startswith("@")}
    if isinstance(inner := value.get(_ATTRIBUTES), Mapping):
        named |= inner
    return "".join(
        f" {key}={quoteattr(_clean(text_of(item)))}"
        for key, item in named.items()
        if _NAME.fullmatch(key)
    )


def _text(value: Any) -> str:
    text = _clean(text_of(value))
    return text if _CDATA.fullmatch(text) else escape(text)


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub("", text)
