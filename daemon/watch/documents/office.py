"""Documents of word processors: ODT of LibreOffice, DOCX of Word; a ZIP of XML both."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from pipeline.limits import LIMITS

ODT_PART = "content.xml"
DOCX_PART = "word/document.xml"

# what zipfile raises of a file that is no ZIP, was cut, is encrypted, or is packed in another way
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)

# by the names of elements without their namespaces
_PARAGRAPHS = {"p", "h"}
_SHOWN = {"br": "\n", "cr": "\n", "line-break": "\n", "tab": "\t", "noBreakHyphen": "-"}
_SPACES = "s"  # of ODT, with how many
_MOST_SPACES = 100  # one after the other, as between chords
_WRAPPED = re.compile(r"[\r\n][ \t\r\n]*")  # XML's own lines mean nothing
_HIDDEN = set(
    "annotation note tracked-changes del moveFrom instrText pPr rPr sectPr pict drawing Fallback "
    "title desc".split()
)


def find_part(content: bytes) -> str:
    """Which part of a document has its words; empty where it is none that is read. Raises
    ValueError where it is damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except _DAMAGE as error:
        raise ValueError(f"it is a damaged document: {error}") from error
    return next((part for part in (DOCX_PART, ODT_PART) if part in names), "")


def convert_document(content: bytes, part: str) -> str:
    """Its words, a line for each paragraph. Raises ValueError where it is damaged, or too much."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(part) as stream:
            xml = stream.read(LIMITS.document_bytes + 1)
        if len(xml) > LIMITS.document_bytes:
            raise ValueError(f"its text has more than {LIMITS.document_bytes} bytes")
        root = fromstring(xml, forbid_dtd=True)
    except DefusedXmlException as error:
        raise ValueError("it defines XML entities, as no document does") from error
    except (*_DAMAGE, ParseError) as error:
        raise ValueError(f"it is a damaged document: {error}") from error
    lines = "".join(_list_texts(root, part == ODT_PART)).strip("\n").split("\n")
    return "\n".join(map(str.rstrip, lines))


def _list_texts(root: Element, is_mixed: bool) -> Iterator[str]:
    """What is shown, in order; `is_mixed`: words stand in paragraphs themselves. It is no
    recursion, as elements may be nested as deep as anybody likes.
    """
    steps: list[tuple[Element, bool] | str] = [(root, False)]
    while steps:
        step = steps.pop()
        if isinstance(step, str):
            yield step
            continue
        element, is_text = step
        name = element.tag.rpartition("}")[2]
        if name in _HIDDEN:
            continue
        yield _count_spaces(element) * " " if name == _SPACES else _SHOWN.get(name, "")
        is_text = is_text or name == "t" or (is_mixed and name in _PARAGRAPHS)
        if is_text and element.text:
            yield _WRAPPED.sub(" ", element.text)
        if name in _PARAGRAPHS:
            steps.append("\n")
        for child in reversed(element):
            if is_text and child.tail:
                steps.append(_WRAPPED.sub(" ", child.tail))
            steps.append((child, is_text))


def _count_spaces(element: Element) -> int:
    count = next((value for name, value in element.items() if name.endswith("}c")), "1")
    return min(int(count), _MOST_SPACES) if count.isascii() and count.isdecimal() else 1
