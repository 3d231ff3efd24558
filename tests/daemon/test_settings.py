from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from daemon import settings
from daemon.settings import PadSettings, Settings, SettingsError

WHOLE = """
port = 9200
out = "~/clips"
model = "mini"
queue = 8
subscribers = ["127.0.0.1:9001"]
[request]
prompt = "warm lo-fi"
bars = 4
tempo = 84
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text)
    return path


def test_a_file_sets_everything_and_flags_win(tmp_path: Path) -> None:
    read = settings.read(written(tmp_path, WHOLE), {"port": 9300, "model": None})
    assert read.port == 9300
    assert read.model == "mini"
    assert read.queue == 8
    assert read.out == Path.home() / "clips"
    assert read.endpoints == [("127.0.0.1", 9001)]
    assert read.request.prompt == "warm lo-fi"
    assert read.request.bars == 4
    assert read.request.bpm == 84.0


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DEFAULT_FILE", tmp_path / "absent.toml")
    read = settings.read(None, {})
    assert read.host == "127.0.0.1"
    assert read.port == 9100
    assert read.model == "auto"
    assert read.out == Path.home() / "Music" / "acestepd"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = 70000", "port must be in 0..65535, got 70000"),
        ("port = '9100'", "port must be a whole number, got '9100'"),
        ("port = true", "port must be a whole number, got True"),
        ("queue = 0", "queue must be in 1..10000, got 0"),
        ("prot = 1", "no setting is called 'prot'; did you mean port?"),
        ("bars = 4", "no setting is called 'bars'; write it below [request]"),
        ("guidance = 4", "no setting is called 'guidance'; write it below [request]"),
        ("ports = ['x']", "no setting is called 'ports'; write it below [midi]"),
        ("out = 3", "out must be a path, got 3"),
        ("model = []", "model must be a text"),
        ("planner = '7B'", "planner must be one of 1.7B 0.6B 4B, or a folder, got '7B'"),
        ("insert_to = 'My DAW'", "insert_to must be the name of a program in small letters"),
        ("host = 'example'", "an address must be an IPv4 address"),
        ("host = '0.0.0.0'", "reachable from outside: list in allow"),
        ("subscribers = ['here']", "must be written host:port, got 'here'"),
        ("subscribers = [1]", "subscribers must be a list of texts"),
        ("[request]\nbars = -1", "[request] bars must be in 0..1024, got -1"),
        ("[request]\nsounds = 1", "[request] no parameter is called 'sounds'"),
        ("request = 1", "[request] must be a table of parameters, got 1"),
        ("port =", "settings.toml"),
        ("port = " + "[" * 5000, "nested deeper than 32 levels"),
    ],
)
def test_a_wrong_setting_names_file_setting_and_what_is_allowed(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.read(written(tmp_path, text), {})
    assert says in str(caught.value)
    assert "settings.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "port = 9100\nrequest.bars = 4\n\n[request] # mine\nbpm = 92\n",
            "line 2 says request.bars, and line 4 begins [request]: write all of it in one way, "
            "as request.NAME or as NAME below [request]",
        ),
        (
            "request = { bars = 4 }\n[request]\nbpm = 92\n",
            "line 1 says request, and line 2 begins [request]: write all of it in one way, ",
        ),
        (
            "midi.hold_ms = 5\n[midi]\nports = []\n",
            "line 1 says midi.hold_ms, and line 2 begins [midi]: write all of it in one way, ",
        ),
        (
            "watch = []\n[[watch]]\nfolder = '/x'\n",
            "line 1 says watch, and line 2 begins [[watch]]: write all of it in one way, ",
        ),
        (
            "[request]\nbars = 4\nrequest.bpm = 92\n",
            "line 3 says request.bpm below [request]: write bpm there",
        ),
        (
            "[request]\nbars = 4\n\nport = 9200\n",
            "line 4 says port below [request], where it is none: move it above all tables",
        ),
        (
            "[[watch]]\nfolder = '/x'\nlatest = true\n",
            "line 3 says latest below [[watch]], where it is none: move it above all tables",
        ),
        (
            "[midi]\nrequest.bars = 4\n",
            "line 2 says request.bars below [midi], where it is none: move it above all tables",
        ),
    ],
)
def test_a_line_in_the_wrong_table_is_told_where_to_go(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.read(written(tmp_path, text), {})
    assert f"settings.toml: {says}" in str(caught.value)


def test_tables_that_are_right_are_not_blamed(tmp_path: Path) -> None:
    text = "request.bars = 4\n[[watch]]\nfolder = '/x'\nrequest.bpm = 9\nout = '/y'\n"
    with pytest.raises(SettingsError, match=r"\[watch.request\] bpm must be in 30\.\.300"):
        settings.read(written(tmp_path, text), {})


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    file = tmp_path / "nowhere.toml"
    with pytest.raises(SettingsError) as caught:
        settings.read(file, {})
    assert str(caught.value) == (
        f"{file}: there is no such file; acestepd settings --write --settings {file} writes one"
    )


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        host = "0.0.0.0"
        allow = ["192.0.2.7"]
        prot = 1
        latest = "yes"
        port = 999999
        quantise = "bars"
        [midi]
        grid = "5x5"
        hold = 3
        [request]
        bpmm = 3
        bars = "two"
        """,
    )
    with pytest.raises(SettingsError) as caught:
        settings.read(file, {"queue": 0})
    first, *mistakes = str(caught.value).splitlines()
    assert first == f"{file}: 9 settings are wrong:"
    for number, says in enumerate(
        (
            "  no setting is called 'prot'; did you mean port?",
            "  latest must be true or false, got 'yes'",
            "  no [midi] setting is called 'hold'; did you mean hold_ms?",
            "  [request] no parameter is called 'bpmm'",
            "  [midi] grid must be",
            "  [request] bars must be a number, got 'two'",
            "  port must be in 0..65535, got 999999",
            "  queue must be in 1..10000, got 0",
            '  quantise must be "", beat or bar',
        )
    ):
        assert mistakes[number].startswith(says)


def test_off_loopback_needs_to_know_whom_to_answer() -> None:
    assert Settings(host="0.0.0.0", allow=("192.168.1.5",)).host == "0.0.0.0"


def test_pads_come_from_tables_of_their_own() -> None:
    text = """
    quantise = "bar"
    [midi]
    ports = ["Launchpad", "virtual"]
    grid = "8x8"
    velocity = "guidance_scale 1 8"
    [midi.knobs]
    "cc 21" = "bars 1 16"
    [[midi.pad]]
    slot = 3
    seed = 42
    [midi.pad.request]
    prompt = "bells"
    """
    midi = settings.from_values(tomllib.loads(text)).midi
    assert midi.pads == 64
    assert midi.columns == 8
    assert midi.pad == (PadSettings(slot=3, seed=42, request={"prompt": "bells"}),)
    assert dict(midi.knobs) == {"cc 21": "bars 1 16"}


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('quantise = "often"', "quantise must be"),
        ("prepare_mb = -1", "prepare_mb must be in"),
        ("midi = 3", "must be a table"),
        ("[midi]\nwobble = 1", "no \\[midi\\] setting is called 'wobble'"),
        ('[midi]\ngrid = "3x3"', "grid must be"),
        ("[midi]\nrows = 2.0", "rows must be in 0..1"),
        ('[midi]\nvelocity = "prompt"', "prompt is no number"),
        ('[midi]\nknobs = ["bars"]', "must be controls and parameters"),
        ('[midi.knobs]\n"cc 21" = "wobble"', "no parameter is called 'wobble'"),
        ("[[midi.pad]]\nseed = 1", "needs a slot"),
        ("[[midi.pad]]\nslot = 1\n[midi.pad.request]\nbars = 5000", "bars must be in"),
        ("[[midi.pad]]\nslot = 1\nrequest = 3", "must be a table of parameters"),
    ],
)
def test_pads_that_make_no_sense_are_refused_with_a_reason(text: str, wrong: str) -> None:
    with pytest.raises(SettingsError, match=wrong):
        settings.from_values(tomllib.loads(text))


@pytest.mark.parametrize("home", ["~", "$HOME", "${HOME}", "%USERPROFILE%"])
def test_a_home_folder_is_known_in_every_path(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "loop.wav").write_bytes(b"RIFF")
    text = f"""
    out = "{home}/Takes"
    state = "{home}/state"
    model = "{home}/models/mine"
    models = ["{home}/models/other"]
    folders = ["{home}/Loops"]
    adapters = ["{home}/style.safetensors=0.5"]
    [request]
    source = "{home}/loop.wav"
    [[watch]]
    folder = "{home}/Lyrics"
    out = "{home}/Sung"
    [watch.request]
    reference = "{home}/loop.wav"
    [[midi.pad]]
    slot = 1
    request = {{ source = "{home}/loop.wav" }}
    """
    (tmp_path / "settings").mkdir()
    found = settings.read(written(tmp_path / "settings", text), {})
    assert found.out == tmp_path / "Takes"
    assert found.state == tmp_path / "state"
    assert found.model == str(tmp_path / "models" / "mine")
    assert found.models == (str(tmp_path / "models" / "other"),)
    assert found.folders == (tmp_path / "Loops",)
    assert found.adapters == (f"{tmp_path}/style.safetensors=0.5",)
    assert found.request.source == str(tmp_path / "loop.wav")
    assert found.watch[0].folder == tmp_path / "Lyrics"
    assert found.watch[0].out == tmp_path / "Sung"
    assert found.watch[0].request["reference"] == str(tmp_path / "loop.wav")
    assert found.midi.pad[0].request == {"source": str(tmp_path / "loop.wav")}


@pytest.mark.parametrize(
    "setting",
    [
        'out = "$MUSIC/x"',
        'state = "~nobody-is-called-so"',
        'model = "$MODELS/x"',
        'models = ["$MODELS/x"]',
        'folders = ["/home/$USER/x"]',
        'adapters = ["$MODELS/x.safetensors"]',
        'planner = "$MODELS/x"',
        '[request]\nsource = "$MUSIC/x.wav"',
        '[[watch]]\nfolder = "${MUSIC}/x"',
        '[midi]\nprofile = "$CONFIG/x.toml"',
    ],
)
def test_a_path_that_would_be_a_folder_with_a_dollar_in_its_name_is_refused(
    setting: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=r"is not replaced|nobody is called so"):
        settings.read(written(tmp_path, setting), {})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_settings_are_read_as_notepad_saves_them(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes('out = "/Müsik"\r\n'.encode(encoding))
    assert settings.read(tmp_path / "settings.toml", {}).out == Path("/Müsik")


def test_settings_in_another_encoding_are_told_to_be_saved_in_utf_8(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes('out = "/Müsik"'.encode("cp1252"))
    with pytest.raises(SettingsError, match="save it as UTF-8"):
        settings.read(tmp_path / "settings.toml", {})
