"""REAPER for tests: its Lua, a `reaper` that refuses what REAPER has not (reaper_stub.lua), and the
scripts where the installer puts them.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import soundfile
from lupa.lua54 import LuaRuntime

from daemon.integrations.catalogue import CATALOGUE

STUB = Path(__file__).with_name("reaper_stub.lua")
TICK_SECONDS = 1 / 30


class Reaper:
    """One project, open. A script started anew is a Lua state of its own, as in REAPER."""

    def __init__(self, folder: Path) -> None:
        self.scripts = folder / "Scripts" / "acestepd"
        for part in CATALOGUE["reaper"].parts:
            for file, path in CATALOGUE["reaper"].list_files(part):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, folder / path)
        self._lua: Any = LuaRuntime(unpack_returned_tuples=True)
        stub = self._lua.execute(STUB.read_text())
        self.project: Any = stub["project"]
        self._reaper: Any = stub["reaper"]
        self._make: Any = stub["make"]
        self.project["list"] = self._list_names
        self.project["probe"] = self._probe
        self.globals_of: dict[str, set[str]] = {}

    def _list_names(self, folder: str) -> Any:
        try:
            names = [path.name for path in Path(folder).iterdir() if path.is_file()]
        except OSError:
            names = []
        return self._lua.table_from(names)

    @staticmethod
    def _probe(path: str) -> Any:
        try:
            info = soundfile.info(path)
        except (OSError, soundfile.SoundFileError):
            return None
        return info.duration, info.channels

    # --- what the musician does -------------------------------------------------------------------

    def start(self, script: str) -> None:
        """Run an action. It gets globals of its own; what it left there is in `globals_of`."""
        path = self.scripts / script
        self.project["script"] = str(path)
        run = self._lua.eval(
            """function(path, reaper)
                local environment = setmetatable({reaper = reaper}, {__index = _G})
                local own_load = function(name, mode)
                    return loadfile(name, mode or "bt", environment)
                end
                rawset(environment, "loadfile", own_load)
                rawset(environment, "dofile", function(name) return assert(own_load(name))() end)
                assert(own_load(path))()
                return environment
            end"""
        )
        environment = run(str(path), self._reaper)
        self.globals_of[script] = set(environment.keys()) - {"reaper", "loadfile", "dofile"}

    def turn(self, times: int = 1) -> None:
        """REAPER's own loop calls what was deferred."""
        for _ in range(times):
            self.project["clock"] += TICK_SECONDS
            self.project["turn"]()

    def look(self) -> None:
        """As many turns as the script needs to look once."""
        self.turn(12)

    def quit_scripts(self) -> None:
        for callback in self.project["at_exit"].values():
            callback()
        self.project["deferred"] = self._lua.table()
        self.project["at_exit"] = self._lua.table()

    def answer(self, *fields: str) -> None:
        """What is typed into the next dialog."""
        self.project["answers"] = self._lua.table("\n".join(fields))

    def select_time(self, start: float, end: float) -> None:
        self.project["selection"] = self._lua.table(start, end)

    def set_tempo(self, *marks: tuple[float, float, int, int]) -> None:
        """Time, quarter notes a minute, and a bar from there on."""
        names = ("time", "bpm", "numerator", "denominator")
        tables = [self._lua.table_from(dict(zip(names, mark, strict=True))) for mark in marks]
        self.project["tempo"] = self._lua.table_from(tables)

    def add_track(self, name: str, selected: bool = True) -> Any:
        self._reaper["InsertTrackAtIndex"](len(self.project["tracks"]), True)
        track = self.project["tracks"][len(self.project["tracks"])]
        track["P_NAME"] = name
        track["selected"] = selected
        return track

    def add_item(self, track: Any, path: Path, position: float, **values: float) -> Any:
        """An item of the musician's own, selected; `values` are of its item or its take."""
        item = self._reaper["AddMediaItemToTrack"](track)
        take = self._reaper["AddTakeToMediaItem"](item)
        source = self._reaper["PCM_Source_CreateFromFile"](str(path))
        self._reaper["SetMediaItemTake_Source"](take, source)
        take["P_NAME"] = path.name
        item["D_POSITION"] = position
        item["D_LENGTH"] = soundfile.info(path).duration
        for name, value in values.items():
            (item if name in ("D_LENGTH", "B_LOOPSRC") else take)[name] = value
        item["selected"] = True
        return item

    def clear(self) -> float:
        """An empty project, with nothing written down. How much memory Lua has then, in KB."""
        for name in ("items", "calls", "said", "undo", "commands", "listing"):
            self.forget(name)
        self._lua.execute("collectgarbage() collectgarbage()")
        kilobytes: float = self._lua.eval("collectgarbage('count')")
        return kilobytes

    # --- what is on the screen --------------------------------------------------------------------

    @property
    def tracks(self) -> list[Any]:
        return list(self.project["tracks"].values())

    @property
    def items(self) -> list[Any]:
        return list(self.project["items"].values())

    def takes_of(self, item: Any) -> list[Any]:
        return list(item["takes"].values())

    @property
    def paths(self) -> list[str]:
        """The files of all takes."""
        return [take["source"]["path"] for item in self.items for take in self.takes_of(item)]

    def texts(self, name: str) -> list[str]:
        """`said` in the console, `boxes`, `undo` steps, or `calls`."""
        return list(self.project[name].values())

    def forget(self, name: str) -> None:
        self.project[name] = self._lua.table()
