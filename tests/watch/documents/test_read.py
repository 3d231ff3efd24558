"""Documents of other programs become words, or are refused with what to do."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.watch.documents.document import Kind
from daemon.watch.documents.read import read_document
from daemon.watch.documents.rtf import convert_rtf
from daemon.watch.documents.web_page import convert_web_page
from daemon.watch.sheet import build_sheet
from tests.support.examples import scale_examples
from tests.support.growth import assert_linear
from tests.support.watched import PolledFolder, requests_of

WORDS = "[Chorus]\nThe harbour sleeps\nla"
TEXT_EDIT = r"""{\rtf1\ansi\ansicpg1252\cocoartf2639
{\fonttbl\f0\fswiss\fcharset0 Helvetica;\f1\fnil\fcharset128 Hiragino;}
{\colortbl;\red255\green255\blue255;}{\*\expandedcolortbl;;}
\pard\tx720\pardirnatural

\f0\fs24 \cf0 [Chorus]\
The harbour \b sleeps\b0 \
la}"""
WORD_PAD = (
    r"{\rtf1\ansi\deff0{\fonttbl{\f0\fnil Calibri;}}{\*\generator Riched20;}\viewkind4\uc1"
    r"\pard\f0 [Chorus]\par The harbour sleeps\line la\par}"
)
PAGE = """<!DOCTYPE html>
<html><head><title>Low &amp; Tide</title><style>p { color: red }</style></head>
<body><!-- <p>hidden</p> --><script>words("la")</script>
<div>[Chorus]<br>The  harbour
sleeps<br/>la</div></body></html>
"""
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
DOCX = f"""<?xml version="1.0"?><w:document {W}><w:body>
<w:p><w:pPr><w:tabs><w:tab w:val="left"/></w:tabs></w:pPr><w:r><w:t>[Chorus]</w:t></w:r></w:p>
<w:p><w:r><w:t xml:space="preserve">The </w:t></w:r><w:r><w:t>harbour sleeps</w:t>
<w:br/><w:t>la</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del></w:p>
</w:body></w:document>"""
ODT = """<?xml version="1.0"?><office:document-content xmlns:office="o" xmlns:text="t">
<office:body><office:text><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>
<text:p>[Chorus]</text:p><text:p>The <text:span>harbour</text:span><text:s/>sleeps
<text:line-break/>la</text:p></office:text></office:body></office:document-content>"""


def pack(parts: dict[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (TEXT_EDIT.encode(), Kind.RICH_TEXT),
        (WORD_PAD.encode(), Kind.RICH_TEXT),
        (PAGE.encode(), Kind.WEB_PAGE),
        (b"[Chorus]<br>The harbour sleeps<br>la", Kind.WEB_PAGE),
        (pack({"word/document.xml": DOCX, "word/media/a.png": b"x"}), Kind.OFFICE),
        (pack({"mimetype": "application/x", "content.xml": ODT}), Kind.OFFICE),
    ],
)
@pytest.mark.parametrize("suffix", [".txt", ".rtf", ".lrc"])
def test_words_are_read_without_the_markup_and_that_is_said(
    content: bytes, kind: Kind, suffix: str
) -> None:
    document = read_document(content, suffix)
    read = build_sheet(document)
    assert read.values["lyrics"] == WORDS
    assert f"read as {kind}" in read.notes[0].message
    assert document.text.splitlines()[1] == "The harbour sleeps", "what a report quotes"


def test_how_a_character_is_read_is_not_sung_beside_it() -> None:
    page = "<html><body><ruby>夜<rp>(</rp><rt>よる</rt><rp>)</rp></ruby>の川<br>la</body></html>"
    assert convert_web_page(page)[0] == "夜の川\nla"


def test_chords_stay_over_their_words() -> None:
    text = '<x xmlns:t="t"><t:p>Am<t:s t:c="5"/>F</t:p><t:p>over water</t:p></x>'
    document = read_document(pack({"content.xml": text}), ".odt")
    assert document.text == "Am     F\nover water"


def test_the_title_of_a_page_is_the_name() -> None:
    assert build_sheet(read_document(PAGE.encode(), ".html")).values["name"] == "Low & Tide"


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (r"d\'e9j\'e0 vu", "déjà vu"),
        (r"\uc1\u9834? \u-10179?\u-8694?", "♪ 😊"),
        (r"\f1\'8a\'43\'82\'aa\f0  la", "海が la"),
        (r"\ansicpg1251 \'cf\'f0\'e8", "При"),
        (r"\{\\\}\~\_\endash\'92", "{\\} -–’"),
        (r"a\par b\line c\tab d", "a\nb\nc\td"),
        (r"{\*\unknown x}{\info{\title y}}{\field{\*\fldinst{HYPERLINK z}}{\fldrslt la}}", "la"),
    ],
)
def test_rich_text_has_the_characters_of_every_program(rtf: str, text: str) -> None:
    fonts = r"{\fonttbl\f0\fswiss A;\f1\fnil\fcharset128 B;}"
    assert convert_rtf(rf"{{\rtf1\ansi{fonts}{rtf}}}") == text


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"%PDF-1.7\n", "it is a PDF: copy its words into a .txt"),
        (b"\x89PNG\r\n\x1a\n\0", "it is an image"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0", "it is an old document of Word: save it as .txt"),
        (b"RIFF\0\0\0\0WAVE", "it is sound or video: give it back its own ending"),
        (b"MThd\0\0\0\x06", "it is a MIDI file"),
        (b"bplist00\xd4\x01", "it is a web archive"),
        (
            b'<?xml version="1.0"?>\n<score-partwise><part/></score-partwise>',
            "it is MusicXML: copy",
        ),
        (b'<?xml version="1.0"?>\n<notes><note>la</note></notes>', "it is XML: copy its words"),
        (b"From: a@example.com\nMIME-Version: 1.0\n\nla =C3=A9\n", "it is an e-mail"),
        (b"X:1\nT:Jar\nM:4/4\nK:G\nGABc|\nw:la la\n", "it is ABC notation"),
        (b'{"title": "Jar", "lyrics": "la"}', "it is JSON: copy its words"),
        (b'["la", "lo"]\n', "it is JSON"),
        (pack({"Index/Document.iwa": b"x"}), "a document that is not read"),
        (pack({"content.xml": ODT})[:80], "it is a damaged document"),
        (pack({"word/document.xml": "<w"}), "it is a damaged document"),
        (pack({"content.xml": '<!DOCTYPE x [<!ENTITY a "b">]><p>&a;</p>'}), "defines XML entities"),
        (pack({"content.xml": b"<p>" + b"x" * 5_000_000}), "its text has more than 4194304 bytes"),
        (b"\0\1\2", "it is no text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # packed files have times in them
)
def test_what_cannot_be_read_is_refused_with_what_to_do(content: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        read_document(content, ".txt")
    assert says in str(error.value)


def test_words_that_look_like_another_format_are_words() -> None:
    for words in (
        "RIFFs of the night",
        "ID3 and I",
        "I <3 you",
        "a < b > c",
        "%PDF",
        "[la",
        "{la}x",
    ):
        assert build_sheet(read_document(words.encode(), ".txt")).values["lyrics"] == words


def test_documents_saved_into_a_folder_make_takes_and_a_pdf_is_told_what_to_do(
    folder: PolledFolder,
) -> None:
    folder.save("one.docx", pack({"word/document.xml": DOCX}))
    folder.save("two.rtf", TEXT_EDIT)
    folder.save("three.srt", "1\n00:00:01,000 --> 00:00:02,000\nla\n")
    folder.save("four.pdf", b"%PDF-1.7\n" + b"x" * 300_000)
    lyrics = sorted(request.lyrics for request in requests_of(folder.settle()))
    assert lyrics == [WORDS, WORDS, "la"]
    assert folder.notes_on("four.pdf") == [
        (0, 415, "it is a PDF, which is not read; copy its words into a .txt")
    ]
    assert "copy its words" in folder.report_on("four.pdf")


def test_a_score_beside_a_sound_is_not_its_text(folder: PolledFolder) -> None:
    folder.save("loop.pdf", b"%PDF-1.7\n")
    folder.save("loop.txt", "prompt: waltz")
    folder.save("loop.wav", b"RIFF")
    folder.poll(1.2)
    folder.poll(1.2)
    (order,) = [folder.engine.orders.get_nowait()]
    assert order.request.prompt == "waltz"


def test_the_defaults_may_be_rich_text(folder: PolledFolder) -> None:
    folder.save("acestepd.txt", r"{\rtf1\ansi prompt: slow waltz\par}")
    folder.save("chorus.txt", "la la")
    (order,) = folder.settle()
    assert order.request.prompt == "slow waltz"


@settings(max_examples=scale_examples(100))
@given(st.text(st.sampled_from(list("<>/!-&;{}\\'*\n apbr1fu0é\"=")), max_size=80))
def test_any_markup_is_read(text: str) -> None:
    convert_rtf("{\\rtf1" + text)
    convert_web_page(text)


@settings(max_examples=scale_examples(50))
@given(st.binary(max_size=60), st.integers(0, 400))
def test_a_damaged_document_is_read_or_refused(junk: bytes, place: int) -> None:
    content = bytearray(pack({"content.xml": ODT}))
    content[place : place + len(junk)] = junk
    with suppress(ValueError):
        build_sheet(read_document(bytes(content), ".odt"))


@pytest.mark.parametrize(
    "piece",
    "<!--|<|<a|<![CDATA[|</|<p |<p>|<title>|<pre>|<script>|&|&#1".split("|"),
)
def test_any_page_takes_linear_time(piece: str) -> None:
    assert_linear(lambda text: convert_web_page(text), lambda size: piece * size, 500)


@pytest.mark.parametrize(
    "piece", ["{", "}", "\\u1", "\\'82", "{\\*", "\\f1", "\\fcharset1", "{\\field", "\\uc9", "x"]
)
def test_any_rich_text_takes_linear_time(piece: str) -> None:
    assert_linear(lambda text: convert_rtf(text), lambda size: "{\\rtf1" + piece * size, 500)


@pytest.mark.parametrize("suffix", [".txt", ".lrc"])
def test_the_answer_of_a_service_is_refused_whatever_it_is_called(suffix: str) -> None:
    content = b'{"lyrics": {"lines": [{"startTimeMs": "960", "words": "la"}]}}'
    with pytest.raises(ValueError, match="it is JSON"):
        read_document(content, suffix)


@pytest.mark.parametrize("suffix", [".txt", ".lrc", ".ttml", ".xml"])
def test_timed_text_is_read_also_behind_an_element_that_ends_at_once(suffix: str) -> None:
    page = (
        '<?xml version="1.0" encoding="utf-8"?><tt xmlns="http://www.w3.org/ns/ttml"><head>'
        '<metadata/></head><body><div begin="9.5"><p begin="9.532" end="12.0">Cold tea and '
        '<span>thunder</span></p><p begin="12.5" end="15">nobody</p></div></body></tt>'
    )
    words = build_sheet(read_document(page.encode(), suffix)).values["lyrics"]
    assert [line for line in str(words).split("\n") if line] == ["Cold tea and thunder", "nobody"]


@pytest.mark.parametrize(
    "table",
    [
        "Title,Artist,BPM\nLow Tide,Nobody,92\nHarbour,Nobody,84\n",
        'title;artist\n"Low Tide";"Nobody"\n"Harbour";"Nobody"\n',
        "time\ttext\n0:01\tone two\n0:05\tthree four\n",
        "1,Low Tide,Nobody\n2,Harbour,Nobody\n3,Wall,Nobody\n",
        '"start","end","text"\n"0:01","0:04","one, two"\n"0:05","0:08","three"\n',
        "\ufeffTrack,Artist\r\nLow Tide,Nobody\r\nHarbour,Nobody\r\n",
    ],
)
def test_a_table_is_refused_by_its_name(table: str) -> None:
    with pytest.raises(ValueError, match="a table \\(CSV\\): copy its words"):
        read_document(table.encode(), ".txt")


@pytest.mark.parametrize(
    "words",
    [
        "oh, la\nhey, lo\nmy, my\nwhy, why\n",
        "la,la,la\nlo,lo,lo\nli,li,li\n",
        "Title, Artist\none, two\nthree, four\n",
        "one, two, three\nfour, five, six\nseven, eight, nine\n",
        "Am\tG\none\ttwo\nF\tC\n",
        "1, 2, 3\n4, 5, 6\n7, 8, 9\n",
        "Title: X\nKey: C\nTempo: 92\n",
        "| Am | G |\n| F | C |\n| Am | G |\n",
    ],
)
def test_words_with_commas_are_no_table(words: str) -> None:
    read_document(words.encode(), ".txt")
