"""Songs of OpenSong and OpenLP."""

from __future__ import annotations

from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet

OPENSONG = """\
<?xml version="1.0" encoding="UTF-8"?>
<song>
  <title>Low &amp; Tide</title>
  <author>Nobody</author>
  <key>Am</key><tempo>92</tempo><time_sig>3/4</time_sig><capo print="false"></capo>
  <lyrics>[V1]
.Am       F
 Walking  down
[C]
.C
 We are
[V2]
 Here
[C]
</lyrics>
</song>
"""
OPENLYRICS = """\
<song xmlns="http://openlyrics.info/namespace/2009/song" version="0.8">
  <properties><titles><title>Low Tide</title></titles><key>G</key><tempo type="bpm">92</tempo>
  </properties>
  <lyrics>
    <verse name="v1">
      <lines>Walking <chord name="D"/>down<br/>to <comment>soft</comment>sea</lines>
    </verse>
    <verse name="c"><lines>We are</lines></verse>
  </lyrics>
</song>
"""


def test_a_song_of_opensong_is_read() -> None:
    assert read_sheet(OPENSONG).values == {
        "name": "Low & Tide",
        "key": "A minor",
        "bpm": 92.0,
        "time_signature": "3/4",
        "lyrics": "[Verse 1]\nWalking down\n[Chorus]\nWe are\n[Verse 2]\nHere\n[Chorus]\nWe are",
    }


def test_a_song_of_openlp_is_read() -> None:
    assert read_sheet(OPENLYRICS).values == {
        "name": "Low Tide",
        "key": "G major",
        "bpm": 92.0,
        "lyrics": "[Verse 1]\nWalking down\nto sea\n\n[Chorus]\nWe are",
    }


def test_a_song_that_is_damaged_is_read_without_its_markup() -> None:
    read = read_sheet(OPENSONG[: OPENSONG.index("</lyrics>")])
    assert "[Verse 1]\nWalking down" in str(read.values["lyrics"])
    [problem] = find_problems(read.notes)
    assert problem.message.startswith("its XML is damaged: no element found")


def test_an_entity_of_a_song_is_not_expanded() -> None:
    song = '<?xml version="1.0"?><song><!DOCTYPE s [<!ENTITY a "b">]><lyrics>&a;</lyrics></song>'
    assert "damaged" in find_problems(read_sheet(song).notes)[0].message
