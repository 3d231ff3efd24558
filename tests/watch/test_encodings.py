"""Bytes become text, in whatever encoding they were written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.watch.encodings import decode
from daemon.watch.old_encodings import SURE_CHARACTERS
from daemon.watch.sheet import read_sheet
from tests.support.examples import scale_examples
from tests.support.watched import PolledFolder

# lines as they are sung, by the encodings that people save them in
LINES = {
    "gb18030": "今夜我们都活着|城市的灯光在呼唤|月亮代表我的心|Baby我爱你 yeah|黄河",
    "big5": "今夜我們都活著|城市的燈光在呼喚|忘記了時間|夜空中最亮的星|聽海哭的聲音|心太軟",
    "shift_jis": "今夜も海を見ている|さよなら|カタカナのうた|「さよなら」と言った|海が眠る",
    "euc_jp": "今夜も海を見ている|さよなら|カタカナのうた|「さよなら」と言った|海が眠る",
    "euc_kr": "오늘 밤 우리는|안녕|사랑해요|바람이 분다|도시의 불빛이 나를 부르네|라라라",
    "cp1251": "Сегодня мы живы|Привет|Город спит|ла ла ла|Ніч яка місячна|Группа крови на рукаве",
    "koi8_r": "Сегодня мы живы|Привет|Город спит|ла ла ла|Звезда по имени Солнце|ночь, улица",
    "cp1250": "Dnes v noci žijeme|Město spí|Dziś w nocy żyjemy|kocham cię|Ma éjjel élünk",
    "iso8859_2": "Město spí|nemůžu spát|Dziś w nocy żyjemy",
    "cp1252": "café|don’t let me go|ça ira|Über den Wolken|corazón|¿Dónde estás?|coração|"
    "på väg hem|città vuota|she said “hello” — and left|wait… what?|mañana será otro día",
    "mac_roman": "café del mar|I’m on fire|Übermorgen|schöne grüne Nächte|mi corazón|São João|"
    "jag älskar dig|she said “hello” — and left|oh… oh…|et voilà",
    "cp1254": "bu gece yaşıyoruz|seni seviyorum, güzelim",
    "cp1253": "απόψε ζούμε|η πόλη κοιμάται",
    "cp1255": "הלילה אנחנו חיים|אני אוהב אותך",
    "cp1256": "الليلة نحن أحياء|حبيبي يا نور العين",
    "cp866": "Сегодня мы живы|Звезда по имени Солнце|Дождь идёт",
    "mac_cyrillic": "Сегодня мы живы|Звезда по имени Солнце|Дождь идёт",
    "cp850": "schöne grüne Nächte|Tränen lügen nicht|heute fährt die Bahn zurück",
    "cp852": "Dziś w nocy żyjemy|światła miasta wołają mnie|miałem dziesięć lat",
    "cp874": "คืนนี้เรายังมีชีวิต|ฉันรักเธอ",
}
WORDS = "\n".join(["[verse]", "l’été, Mädchen, ночь", "海が眠る 🔥"])


def read_with_notes(content: bytes) -> tuple[str, list[str]]:
    text, notes = decode(content)
    return text, [f"{note.code} {note.message}" for note in notes]


@pytest.mark.parametrize("encoding", LINES)
def test_a_line_in_an_old_encoding_is_read_and_is_called_a_guess(encoding: str) -> None:
    for line in LINES[encoding].split("|"):
        text, notes = read_with_notes(line.encode(encoding))
        assert text == line
        assert len(notes) == 1
        assert ("(a guess)" in notes[0]) == (notes[0][:3] == "400")
        assert "(a guess)" in notes[0] or len(line) >= SURE_CHARACTERS


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("gb18030", "GB18030"),
        ("big5", "Big5"),
        ("shift_jis", "Shift-JIS"),
        ("euc_jp", "EUC-JP"),
        ("euc_kr", "EUC-KR"),
        ("cp1251", "Windows-1251"),
        ("koi8_r", "KOI8"),
        ("cp866", "DOS 866"),
        ("mac_cyrillic", "Mac Cyrillic"),
    ],
)
def test_a_verse_in_an_old_encoding_is_no_guess(encoding: str, name: str) -> None:
    verse = LINES[encoding].replace("|", "\n")
    assert read_with_notes(verse.encode(encoding)) == (verse, [f"0 read as {name}"])


@pytest.mark.parametrize(
    ("encoding", "notes"),
    [
        ("utf-8", []),
        ("utf-8-sig", []),
        ("utf-16", ["0 read as UTF-16"]),
        ("utf-16-le", ["0 read as UTF-16"]),
        ("utf-16-be", ["0 read as UTF-16"]),
        ("utf-32", ["0 read as UTF-32"]),
        ("utf-32-le", ["0 read as UTF-32"]),
        ("utf-32-be", ["0 read as UTF-32"]),
    ],
)
def test_unicode_is_read_with_and_without_a_byte_order_mark(
    encoding: str, notes: list[str]
) -> None:
    assert read_with_notes(WORDS.encode(encoding)) == (WORDS, notes)
    for line in ("Привет", "рак"):
        assert read_with_notes(line.encode(encoding)) == (line, notes)


@pytest.mark.parametrize(
    ("line", "encoding"),
    [
        ("夜の川を渡る", "utf-16-le"),
        ("夜の川を渡る", "utf-16-be"),
        ("今夜我们都活着", "utf-16-le"),
        ("今夜我们都活着", "utf-16-be"),
        ("夜空中最亮的星", "utf-16-le"),
        ("夜空中最亮的星", "utf-16-be"),
        ("一人一個夢想，一路上有你", "utf-16-le"),
        ("一人一個夢想，一路上有你", "utf-16-be"),
        ("가나다라 마바사", "utf-16-le"),
        ("가나다라마바사", "utf-16-be"),
        ("我爱你", "utf-16-le"),
    ],
)
def test_a_line_of_utf_16_without_any_mark_or_ascii_is_a_guess(line: str, encoding: str) -> None:
    assert read_with_notes(line.encode(encoding)) == (line, ["400 read as UTF-16 (a guess)"])


@pytest.mark.parametrize(
    ("encoding", "name", "line"),
    [
        ("iso2022_jp", "ISO-2022-JP", "さよなら\n"),
        ("iso2022_kr", "ISO-2022-KR", "안녕\n"),
        ("hz", "HZ", "今夜我们都活着\n"),
    ],
)
def test_what_was_sent_by_mail_is_read(encoding: str, name: str, line: str) -> None:
    assert read_with_notes(line.encode(encoding)) == (line, [f"0 read as {name}"])


@pytest.mark.parametrize(
    ("content", "text", "says"),
    [
        (
            "l’été à Noël ".encode() + b"don\x92t",
            "l’été à Noël don’t",
            "as Windows-1252 (bytes: 1)",
        ),
        ("今夜我们都活着".encode()[:-1], "今夜我们都活", "ends in the middle of a character"),
        ("Ã©tÃ© â€œhiâ€\x9d".encode(), "été “hi”", "once read as Windows-1252 and saved so"),
        ("РџСЂРёРІРµС‚".encode(), "Привет", "once read as Windows-1251 and saved so"),
        ("√©t√©".encode(), "été", "once read as Mac Roman and saved so"),
        ("au revoir".encode("utf-16") + b"x", "au revoir", "read as UTF-16; what of it is none"),
        (b"la la\n\0\0\0", "la la\n", "it ends with 3 zero bytes"),
    ],
)
def test_what_is_damaged_is_read_as_far_as_it_goes_and_that_is_said(
    content: bytes, text: str, says: str
) -> None:
    read, notes = decode(content)
    assert read == text
    assert says in notes[0].message
    assert notes[0].code, "it makes a report"


def test_a_line_that_comes_again_does_not_change_the_encoding() -> None:
    chorus = "心太軟\n" * 6
    read, notes = decode(chorus.encode("big5"))
    assert read == chorus
    assert notes[0].message.startswith("read as Big5")


def test_what_no_encoding_makes_words_of_is_latin_1() -> None:
    assert read_with_notes(b"\x81") == ("\x81", ["400 read as Latin-1 (a guess)"])


def test_the_defaults_of_a_folder_may_be_in_any_encoding(folder: PolledFolder) -> None:
    folder.save("acestepd.txt", "prompt: тихий вальс\n".encode("cp1251"))
    folder.save("chorus.txt", "la la")
    (order,) = folder.settle()
    assert order.request.prompt == "тихий вальс"


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="zero bytes"):
        decode(b"RIFF\0\0\0\0WAVE")
    with pytest.raises(ValueError, match="zero bytes"):
        decode(b"\0\1")


@settings(max_examples=scale_examples(200))
@given(st.binary(max_size=200))
def test_any_file_is_decoded_or_refused(content: bytes) -> None:
    try:
        text, _ = decode(content)
    except ValueError:
        return
    read_sheet(text)


@settings(max_examples=scale_examples(200))
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=60),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_whatever_is_saved_as_unicode_is_read_as_it_is(text: str, encoding: str) -> None:
    read, notes = decode(text.encode(encoding))
    assert read == text.removeprefix("\ufeff") or notes[0].code


@settings(max_examples=scale_examples(50))
@given(st.data(), st.sampled_from([*LINES]))
def test_verses_in_an_old_encoding_are_read_whatever_their_lines(
    data: st.DataObject, encoding: str
) -> None:
    lines = st.sampled_from(LINES[encoding].split("|"))
    verse = "\n".join(data.draw(st.lists(lines, min_size=4, max_size=8)))
    read, notes = decode(verse.encode(encoding))
    assert read == verse or notes[0].code
