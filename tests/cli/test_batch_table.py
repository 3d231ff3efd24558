"""Tables, as spreadsheets write them, become rows; every mistake is told with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from daemon.cli.batch.rows import Batch, BatchRow, refuse_long
from daemon.cli.batch.sheets import SheetReader
from daemon.cli.batch.table import TableReader
from daemon.osc.arguments import parse_pairs, split_order_options
from daemon.panel import Panel
from daemon.paths import AllowedFolders
from daemon.settings import SettingsError
from daemon.watch.written_lyrics import read_written_lyrics
from pipeline.request import Request
from tests.support.sounds import encode

DEFAULTS = Request(prompt="from the settings", bars=2)


def read(path: Path, content: str | bytes, defaults: Request = DEFAULTS) -> Batch:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    panel = Panel(defaults, read_lyrics=read_written_lyrics)
    return TableReader(panel, AllowedFolders([path.parent / "allowed"])).read(path)


def read_folder(folder: Path) -> Batch:
    panel = Panel(DEFAULTS, read_lyrics=read_written_lyrics)
    return SheetReader(panel, AllowedFolders([])).read(folder, folder / "takes")


def build(row: BatchRow, number: int = 0) -> Request:
    """What the daemon makes of a take's message."""
    values = split_order_options(parse_pairs(tuple(row.list_pairs(number)))).values
    return Panel(Request(prompt="turned", lyrics="la", bpm=77, seed=3)).build_request(values)


def complaints(batch: Batch) -> list[str]:
    return [str(problem) for problem in batch.problems]


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    return tmp_path / "songs.csv"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_spreadsheets_table_is_read(
    songs: Path, delimiter: str, encoding: str, end: str
) -> None:
    lines = (("Prompt", "BPM", "Tonart"), ("böser Bass für Ändi", '"92,5"', "a-moll"))
    text = end.join(delimiter.join(cells) for cells in lines) + end
    (row,) = read(songs, text.encode(encoding)).rows
    request = build(row)
    assert (request.prompt, request.bpm, request.key) == ("böser Bass für Ändi", 92.5, "A minor")
    assert row.place == "line 2"


def test_what_a_row_leaves_out_is_the_settings_and_not_what_a_panel_was_turned_to(
    songs: Path,
) -> None:
    bars, seconds, both = map(build, read(songs, "bars,seconds\n4,\n,1.5\n4,1.5\n").rows)
    assert bars == DEFAULTS.changed({"bars": 4})
    assert seconds == DEFAULTS.changed({"bars": 0, "seconds": 1.5})
    assert both == DEFAULTS.changed({"bars": 4, "seconds": 1.5})


def test_lyrics_have_lines_and_what_stands_above_them_counts(songs: Path) -> None:
    table = 'lyrics;seed\n"bpm: 92\n\n[Verse]\nWe go, we go; ""home""";1\n[Verse]\\nOn;2\n'
    first, second = read(songs, table).rows
    assert (first.place, second.place) == ("line 2", "line 6")
    assert build(first).bpm == 92
    assert 'We go, we go; "home"' in str(first.values["lyrics"])
    assert build(second).lyrics == "[Verse]\nOn"


def test_several_takes_of_a_row_have_seeds_in_a_row_each_time_that_it_is_read(songs: Path) -> None:
    table = "prompt,count,seed,variation,priority\npad,3,7,,\npad,1000,,,Live\npad,2,7,0.5,\n"
    given, drawn, varied = read(songs, table).rows
    assert [build(given, number).seed for number in range(3)] == [7, 8, 9]
    seeds = [build(drawn, number).seed for number in range(1000)]
    assert seeds == [*range(seeds[0], seeds[0] + 1000)]
    assert seeds[5] == build(read(songs, table).rows[1], 5).seed
    assert [build(varied, number).variation_seed for number in range(2)] == [1, 2]
    assert build(varied, 1).seed == 7
    twins = read(songs, "prompt,count\npad,2\npad,2\n").rows
    assert build(twins[0]).seed != build(twins[1]).seed
    assert [row.priority for row in (given, drawn)] == ["batch", "live"]


def test_a_row_keeps_its_key_wherever_it_stands_and_its_double_has_another(songs: Path) -> None:
    one, two = read(songs, "prompt,bars\npad,4\npad,4\n").rows
    assert one.key != two.key
    moved = read(songs, "bars;prompt;seed\n1;new;\n4;pad;\n4;pad;\n").rows
    assert [row.key for row in moved[1:]] == [one.key, two.key]


def test_every_mistake_is_told_with_its_line_its_column_and_what_is_allowed(songs: Path) -> None:
    table = "sep=;\nprompt;bpm;Tonart;count;source\na;500;H7;0;\n\nb;;;;nowhere.wav\nc;90;Am;;;d\n"
    batch = read(songs, table)
    assert not batch.rows
    assert complaints(batch) == [
        "line 3, bpm: bpm must be in 30..300 or 0, got 500",
        'line 3, Tonart: key must be a note and "major" or "minor", like "A minor", "F# major", '
        "F#m or 8A (Camelot), got 'H7'",
        "line 3, count: count must be in 1..1000, got 0",
        "line 5, source: there is no file 'nowhere.wav' "
        f"(looked for: {songs.parent / 'allowed' / 'nowhere.wav'})",
        "line 6: it has 6 cells, and there are 5 columns (quote a text that has the delimiter in "
        "it)",
    ]


def test_what_is_wrong_with_all_of_a_row_is_told_too(songs: Path) -> None:
    table = "prompt,bars,bpm,task\n,,,\npad,1024,30,\npad,4,90,cover\n"
    first, second = complaints(read(songs, table))
    assert first.startswith("line 3: ")
    assert "at most 600 seconds" in first
    assert second.startswith("line 4: ")


def test_columns_that_nobody_knows_are_told_and_others_may_be_left_out(songs: Path) -> None:
    batch = read(songs, "prmpt,prompt,Artist,#mine,\nx,pad,me,3,\n")
    assert complaints(batch) == [
        "line 1, prmpt: no parameter is called so (did you mean prompt? Write # before it to leave "
        "it out)"
    ]
    assert batch.unused == ("prmpt", "Artist", "#mine")
    assert build(batch.rows[0]).prompt == "pad"


def test_what_no_message_holds_is_told_before_anything_is_made(songs: Path) -> None:
    words = "\n".join(f"Größe {number}" for number in range(6000))
    batch = refuse_long(read(songs, f'prompt,bpm,lyrics\na,90,\nb,90,"{words}"\nc,900,\n'))
    assert [row.index for row in batch.rows] == [2]
    long, other = complaints(batch)
    assert long.startswith("line 3: it takes ")
    assert "at most 65507" in long
    assert other.startswith("line 6003, bpm: ")


def test_two_columns_of_one_meaning_are_refused(songs: Path) -> None:
    assert complaints(read(songs, "bpm,Tempo,bars\n90,91,4\n90,,4\n")) == [
        "line 2, Tempo: another column says bpm too"
    ]


def test_a_quote_that_nothing_closes_is_found_where_it_begins(songs: Path) -> None:
    batch = read(songs, 'prompt,bars\npad,4\n"pad,4\npad,4\npad,4\n')
    assert len(batch.rows) == 1
    (only,) = complaints(batch)
    assert only.startswith("line 3: this is no CSV")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty; the first line names columns"),
        (b"\n \n", "is empty"),
        (b"a warm pad\nanother one\n", "none of its columns is one that is known"),
        (b"PK\3\4\0\0\x08\0\xff\xfe\0\0\1", "save it as CSV"),
    ],
)
def test_what_is_no_table_is_refused(songs: Path, content: bytes, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read(songs, content)


def test_files_are_named_as_seen_from_the_table(songs: Path) -> None:
    sound = songs.parent / "loops" / "beat.wav"
    sound.parent.mkdir()
    sound.write_bytes(encode())
    (row,) = read(songs, "task,source\ncover,loops/beat.wav\n").rows
    assert row.values["source"] == str(sound)


def test_a_folders_sheets_are_read_as_watched_ones_are(tmp_path: Path) -> None:
    (tmp_path / "acestepd.txt").write_text("bpm: 120\nkey: Am\n")
    (tmp_path / "one.txt").write_text("bpm: 92\n\n[Verse]\nWe go\n")
    (tmp_path / "two.md").write_text("Title: Second\nbmp: 84\n\nWe stay\n")
    (tmp_path / "empty.txt").write_text(" \n")
    manifest = {"model": "mini", "request": {"prompt": "pad", "seed": 7}}
    (tmp_path / "again.json").write_text(json.dumps(manifest))
    (tmp_path / ".hidden.txt").write_text("not a word")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    batch = read_folder(tmp_path)
    assert [row.place for row in batch.rows] == ["again.json", "one.txt"]
    again, sheet = map(build, batch.rows)
    assert (again.prompt, again.seed) == ("pad", 7)
    assert (sheet.bpm, sheet.key, sheet.name) == (92, "A minor", "one")
    assert sheet.lyrics == "[Verse]\nWe go"
    empty, slip = complaints(batch)
    assert empty.startswith("empty.txt: it is empty")
    assert slip.startswith("two.md, line 2: ")
    assert "did you mean bpm?" in slip


def test_a_sheet_keeps_its_key_under_another_name_and_not_with_other_words(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("We go\n")
    before = read_folder(tmp_path).rows[0].key
    (tmp_path / "one.txt").rename(tmp_path / "two.txt")
    assert read_folder(tmp_path).rows[0].key == before
    (tmp_path / "two.txt").write_text("We stay\n")
    assert read_folder(tmp_path).rows[0].key != before
