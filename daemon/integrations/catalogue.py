"""What ships for which program: the folders below `integrations/`, and where their files go.

The files are data: nothing here imports them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from pipeline.did_you_mean import suggest

from ..settings import SettingsError
from . import places
from .places import Place

FOLDER = Path(__file__).parents[2] / "integrations"  # in a checkout, and in site-packages
SHARED = "shared"  # what several integrations use: one source each


@dataclass(frozen=True)
class Part:
    """Files of an integration that go to one place."""

    place: Place
    folder: str = "acestepd"  # that they get there; empty: none of their own
    source: str = ""  # where they are in the integration's folder
    only: str = "*"  # which of them
    shared: tuple[str, ...] = ()  # clients of `integrations/shared` that are put beside them
    has_page: bool = False  # the README and its pictures go along


@dataclass(frozen=True)
class Integration:
    """One row: what it is for people, and its files. It is listed once its folder is there."""

    name: str  # its folder's, and the client's on the wire
    title: str
    does: str  # what a musician gets
    ran: str  # what was run where, and what never was
    clicks: tuple[str, ...]  # what is left to do by hand; {folder} is where it was put
    parts: tuple[Part, ...]
    inserts: bool = True  # whether it puts clips in by itself

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    def list_files(self, part: Part) -> Iterator[tuple[Path, str]]:
        """Each file of a part, and its path below the part's place."""
        source = self.folder / part.source
        for file in sorted(source.rglob("*")):
            path = file.relative_to(source)
            is_left_out = _is_litter(path) or (_is_page(path) and not part.has_page)
            if file.is_file() and fnmatch(file.name, part.only) and not is_left_out:
                yield file, str(part.folder / path)
        for name in part.shared:
            yield FOLDER / SHARED / name, str(Path(part.folder) / name)


def _is_page(path: Path) -> bool:
    """The README, or a picture in it."""
    return len(path.parts) == 1 and path.suffix in (".md", ".svg", ".png")


def _is_litter(path: Path) -> bool:
    """What Python and editors leave behind."""
    return any(part == "__pycache__" or part.startswith(".") for part in path.parts)


_ROWS = (
    Integration(
        "live",
        "Ableton Live 11.3.25 or newer",
        "a clip in the highlighted slot or the next empty one, stems beside it, in tempo and key; "
        "no Max needed",
        "never opened in Live; played here against a stand-in that refuses what Live refuses",
        (
            "start Live again",
            "Settings > Link, Tempo & MIDI > Control Surface: acestepd; Input: the keyboard whose "
            "lowest notes, 0 to 3, are go, reroll, favourite and cover",
        ),
        (Part(places.LIVE, source="acestepd", shared=("acestep_osc.py",)),),
    ),
    Integration(
        "max",
        "Max, Max for Live",
        "a device with prompt, bars, seed, go, reroll and heart, whose clips go into the "
        "highlighted slot; the same as a patcher",
        "never opened in Max or Live; played here by a small Max of our own, beside a stand-in "
        "that refuses what Live refuses",
        (
            "in Live: User Library > Presets > Audio Effects > Max Audio Effect: drag "
            "acestepd.amxd onto an audio track",
            "in Max: open acestepd.maxpat",
        ),
        (
            Part(places.LIVE_DEVICES, "", only="*.amxd"),
            Part(places.MAX, "acestepd", only="package-info.json"),
            Part(places.MAX, "acestepd/patchers", only="*.maxpat"),
            Part(places.MAX, "acestepd/help", only="*.maxhelp"),
        ),
    ),
    Integration(
        "reaper",
        "REAPER 6 or newer",
        "clips become items at the cursor, count 8 eight takes of one item; covers and repaints of "
        "the selection",
        "never opened in REAPER; run here in Lua 5.4 against a stand-in that refuses what REAPER "
        "does not have",
        (
            "Actions > Show action list > New action > Load ReaScript: acestepd.lua in {folder}, "
            "and the files beside it that begin with acestepd and a space",
            "run the action acestepd.lua",
        ),
        (
            Part(
                places.REAPER,
                "Scripts/acestepd",
                only="*.lua",
                shared=("acestep_inbox.lua",),
            ),
            Part(places.REAPER, "OSC", only="*.ReaperOSC"),
        ),
    ),
    Integration(
        "bitwig",
        "Bitwig Studio 4 or newer",
        "a clip in the selected launcher slot or the next empty one; buttons at the side",
        "never opened in Bitwig; run here under Node against a stand-in that refuses what Bitwig "
        "refuses",
        ("Settings > Controllers > Add controller: acestepd",),
        (Part(places.BITWIG, shared=("acestep_osc.js",)),),
    ),
    Integration(
        "touchosc",
        "TouchOSC",
        "go, reroll, sixteen pads, progress and the prompt on a phone or tablet",
        "never opened in TouchOSC; read and drawn here by a parser of others",
        (
            "open {folder}/acestepd.tosc in TouchOSC's editor, and send it to your device",
            "Connections > OSC: this computer, send to 9100, receive on 9111",
        ),
        (Part(places.DOCUMENTS, "touchosc"),),
        inserts=False,
    ),
    Integration(
        "openstagecontrol",
        "Open Stage Control 1.29",
        "the same in a browser, with a list of takes",
        "never opened in Open Stage Control; its module was run here under Node",
        (
            "load {folder}/acestepd.json as session and acestepd.module.js as custom module, "
            "send to 127.0.0.1:9100, osc-port 9112",
        ),
        (Part(places.DOCUMENTS, "openstagecontrol", shared=("acestep_osc.js",)),),
        inserts=False,
    ),
    Integration(
        "puredata",
        "Pure Data 0.51 or newer",
        "an object [acestep]: ask, and the clip's path comes out",
        "run here in Pd 0.53 on Linux",
        ("put [declare -path acestepd] into your patch, then [acestep]; its help shows the rest",),
        (Part(places.PUREDATA),),
        inserts=False,
    ),
    Integration(
        "supercollider",
        "SuperCollider 3.13",
        "a class Acestepd: .ask(...).then { |buffer| ... }, and an event type",
        "run here in sclang 3.13 on Linux",
        ("Language > Recompile Class Library", "look up Acestepd in the help"),
        (Part(places.SUPERCOLLIDER, "Acestepd"),),
        inserts=False,
    ),
    Integration(
        "csound",
        "Csound 6.18",
        "one file that asks, waits and plays",
        "run here in Csound 6.18 on Linux",
        ("csound {folder}/acestepd.csd",),
        (Part(places.DOCUMENTS, "csound"),),
        inserts=False,
    ),
    Integration(
        "chuck",
        "ChucK 1.4",
        "one file that asks, waits and plays",
        "run here in ChucK 1.4.2 on Linux",
        ("chuck {folder}/acestepd.ck",),
        (Part(places.DOCUMENTS, "chuck"),),
        inserts=False,
    ),
    Integration(
        "ardour",
        "Ardour 7 or newer",
        "actions that ask and import the newest clip at the playhead; a hook that imports by "
        "itself",
        "its messages were sent here by Ardour 7.3's own Lua; importing was never tried in Ardour",
        ("Edit > Lua Scripts > Script Manager: load acestepd's scripts into free slots",),
        (Part(places.ARDOUR, "", only="*.lua", shared=("acestep_inbox.lua",)),),
    ),
    Integration(
        "folder",
        "Logic, Cubase, FL Studio, Studio One",
        "how to bookmark the folder of clips, and what their names and chunks give you",
        "never tried in these programs; names and chunks of the WAVs are read by tests",
        ("read {folder}/README.md",),
        (Part(places.DOCUMENTS, "folder", has_page=True),),
        inserts=False,
    ),
)

CATALOGUE = {row.name: row for row in _ROWS}


def list_available() -> list[Integration]:
    """Those whose files are here."""
    return [row for row in CATALOGUE.values() if row.folder.is_dir()]


def find_integration(name: str) -> Integration:
    """Raises `SettingsError` with the names there are."""
    available = {row.name: row for row in list_available()}
    if name in available:
        return available[name]
    hint = suggest(name, available)
    guess = f" ({hint})" if hint else ""
    raise SettingsError(
        f"no integration is called {name[:40]!r}{guess}; there are: {' '.join(available)}"
    )
