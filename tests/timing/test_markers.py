"""Markers of every format give the same cues and beats; damaged and hostile files are refused with one sentence."""

import time
import tracemalloc
from contextlib import suppress
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import mido
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigError, InputError
from pipeline.timing.beat_grid import Grid
from pipeline.timing.marker_xml import collection
from pipeline.timing.markers import READERS, Markers, read_markers
from pipeline.timing.timecode import parse_time

FPS = Fraction(25)
CUES = ((2.0, "verse 1"), (4.0, "drop"))
BEATS = [0.5 * n for n in range(12)]


def rekordbox(song: str) -> str:
    return f"""<?xml version="1.0" encoding="UTF-8"?><DJ_PLAYLISTS><COLLECTION><TRACK Name="a"
Location="file://localhost/music/other.mp3"><TEMPO Inizio="0.1" Bpm="90" Metro="4/4" Battito="1"/></TRACK>
<TRACK Name="b" Location="file://localhost/music/{song}"><TEMPO Inizio="0.0" Bpm="120.00" Metro="4/4" Battito="1"/>
<POSITION_MARK Name="verse 1" Type="0" Start="2.0" Num="0"/><POSITION_MARK Name="drop" Type="0" Start="4.0" Num="1"/>
</TRACK></COLLECTION></DJ_PLAYLISTS>"""


TRAKTOR = """<?xml version="1.0" encoding="UTF-8"?><NML VERSION="19"><COLLECTION><ENTRY TITLE="s"><LOCATION
DIR="/:music/:" FILE="s 1.wav"/><TEMPO BPM="120.0"/><CUE_V2 NAME="AutoGrid" TYPE="4" START="0.0"/>
<CUE_V2 NAME="verse 1" TYPE="0" START="2000.0"/><CUE_V2 NAME="drop" TYPE="0" START="4000.0"/></ENTRY></COLLECTION>
</NML>"""
EDL = """TITLE: song
FCM: NON-DROP FRAME

001  001 V C 01:00:02:00 01:00:02:01 01:00:02:00 01:00:02:01
 |C:ResolveColorBlue |M:verse 1 |D:1
002  001 V C 01:00:04:00 01:00:04:01 01:00:04:00 01:00:04:01
 |C:ResolveColorBlue |M:drop |D:1
"""


def midi_bytes(*messages: mido.MetaMessage) -> bytes:
    file, data = mido.MidiFile(ticks_per_beat=480), BytesIO()
    file.tracks.append(mido.MidiTrack(messages))
    file.save(file=data)
    return data.getvalue()


def draw_midi(path: Path) -> None:
    file, track = mido.MidiFile(ticks_per_beat=480), mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=500_000))
    track.append(mido.MetaMessage("time_signature", numerator=4, denominator=4))
    track.append(mido.MetaMessage("marker", text="verse 1", time=4 * 480))
    track.append(mido.MetaMessage("marker", text="drop", time=4 * 480))
    track.append(mido.MetaMessage("end_of_track", time=3 * 480))
    file.tracks.append(track)
    file.save(path)


def draw_otio(path: Path) -> None:
    otio = pytest.importorskip("opentimelineio")

    def at(seconds: float) -> "otio.opentime.RationalTime":
        return otio.opentime.RationalTime(seconds * 25, 25)

    def marker(seconds: float, name: str) -> "otio.schema.Marker":
        return otio.schema.Marker(name=name, marked_range=otio.opentime.TimeRange(at(seconds), at(0)))

    track = otio.schema.Track()
    track.append(otio.schema.Gap(duration=at(1)))
    track.append(otio.schema.Clip(source_range=otio.opentime.TimeRange(at(10), at(5))))
    track[1].markers.append(marker(11, "verse 1"))  # a second into the clip
    timeline = otio.schema.Timeline()
    timeline.tracks.append(track)
    timeline.tracks.markers.append(marker(4, "drop"))
    otio.adapters.write_to_file(timeline, str(path))


def draw(path: Path) -> Path:
    """A file of this suffix with the cues and, where the format has them, beats."""
    counts = [(second, str(number % 4 + 1)) for number, second in enumerate(BEATS)]
    contents = {
        ".txt": "".join(f"{second:.6f}\t{second:.6f}\t{name}\n" for second, name in sorted([*CUES, *counts])),
        ".csv": "time,name\n" + "".join(f"{second},{name}\n" for second, name in sorted([*CUES, *counts])),
        ".tsv": "0:02\tverse 1\n0:04.000\tdrop\n",
        ".xml": rekordbox("s%201.wav"),
        ".nml": TRAKTOR,
        ".edl": EDL,
    }
    if path.suffix in contents:
        path.write_text(contents[path.suffix], encoding="utf-8")
    elif path.suffix == ".otio":
        draw_otio(path)
    else:
        draw_midi(path)
    return path


@pytest.mark.parametrize("suffix", READERS)
def test_every_format_has_its_cues_and_beats(tmp_path: Path, suffix: str) -> None:
    markers = read_markers(str(draw(tmp_path / f"m{suffix}")), FPS, "/music/s 1.wav")
    assert [name for _, name in markers.cues] == ["verse 1", "drop"]
    assert [at for at, _ in markers.cues] == pytest.approx([2.0, 4.0])
    if suffix not in (".tsv", ".edl", ".otio"):
        assert markers.beats[: len(BEATS)] == pytest.approx(BEATS)
        assert markers.bars[:3] == pytest.approx([0.0, 2.0, 4.0])
        assert markers.beats_per_bar == 4


def test_midi_follows_changes_of_tempo(tmp_path: Path) -> None:
    file, track = mido.MidiFile(ticks_per_beat=96), mido.MidiTrack()
    track.append(mido.MetaMessage("time_signature", numerator=3, denominator=4))
    track.append(mido.MetaMessage("set_tempo", tempo=500_000))
    track.append(mido.MetaMessage("set_tempo", tempo=1_000_000, time=3 * 96))
    track.append(mido.MetaMessage("marker", text="slow", time=96))
    file.tracks.append(track)
    file.save(tmp_path / "m.mid")
    markers = read_markers(str(tmp_path / "m.mid"), FPS, None)
    assert markers.cues == ((2.5, "slow"),)
    assert markers.beats == pytest.approx((0, 0.5, 1.0, 1.5, 2.5)) and markers.bars == pytest.approx((0, 1.5))


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_midi_names_may_have_accents(tmp_path: Path, encoding: str) -> None:
    marker = mido.MetaMessage("marker", text="réfrain".encode(encoding).decode("latin-1"))
    (tmp_path / "m.mid").write_bytes(midi_bytes(marker, mido.MetaMessage("end_of_track", time=960)))
    assert read_markers(str(tmp_path / "m.mid"), FPS, None).cues == ((0.0, "réfrain"),)


def test_names_are_unique_and_free_of_separators(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text('1,verse\n2,verse\n3,"a: b, [c]"\n', encoding="utf-8")
    assert read_markers(str(tmp_path / "m.csv"), FPS, None) == Markers(((1, "verse"), (2, "verse 2"), (3, "a b c")))


def test_numbered_names_stay_unique(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("1,verse\n2,verse\n3,verse 2\n4,verse\n", encoding="utf-8")
    names = [name for _, name in read_markers(str(tmp_path / "m.csv"), FPS, None).cues]
    assert names[:2] == ["verse", "verse 2"] and len(set(names)) == 4


def test_many_beats_are_read_quickly(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("".join(f"{n},beat\n{n},a{n}\n" for n in range(20_000)), encoding="utf-8")
    start = time.process_time()
    assert len(read_markers(str(tmp_path / "m.csv"), FPS, None).beats) == 20_000
    assert time.process_time() - start < 5  # a quadratic search takes minutes


TWO_FOLDERS = """<DJ_PLAYLISTS><TRACK Location="file://localhost/a/s%201.wav"><POSITION_MARK Name="one" Start="1"/>
</TRACK><TRACK Location="file://localhost/b/s%201.wav"><POSITION_MARK Name="two" Start="2"/></TRACK></DJ_PLAYLISTS>"""
TWO_VOLUMES = """<NML><ENTRY><LOCATION DIR="/:a/:" FILE="s 1.wav"/><CUE_V2 NAME="one" TYPE="0" START="1000"/></ENTRY>
<ENTRY><LOCATION DIR="/:b/:" FILE="s 1.wav"/><CUE_V2 NAME="two" TYPE="0" START="2000"/></ENTRY></NML>"""


@pytest.mark.parametrize(("name", "text"), [("m.xml", TWO_FOLDERS), ("m.nml", TWO_VOLUMES)])
def test_of_two_songs_with_one_name_the_path_decides(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_markers(str(tmp_path / name), FPS, "/b/s 1.wav").cues == ((2.0, "two"),)
    with pytest.raises(InputError, match=r"2 of its tracks are named s 1\.wav"):
        read_markers(str(tmp_path / name), FPS, "/c/s 1.wav")


def test_large_collection_takes_little_memory() -> None:
    track = '<TRACK Location="file://localhost/o.mp3">' + '<X A="1"/><TEMPO Inizio="1" Bpm="90"/>' * 2000 + "</TRACK>"
    data = ("<C>" + rekordbox("s.wav").partition("?>")[2] + track * 20 + "</C>").encode()
    peaks = []
    for _ in range(3):  # other threads of the process add to one of them
        tracemalloc.start()
        assert len(collection(data, "s.wav")[0]) == 2
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert min(peaks) < 3 * len(data)  # all its elements would take 15 times as much as the file


@pytest.mark.parametrize(("suffix", "max_bytes"), [(".csv", 4e6), (".edl", 4e6), (".mid", 1e6), (".otio", 16e6)])
def test_files_are_limited(tmp_path: Path, suffix: str, max_bytes: float) -> None:
    with (tmp_path / f"m{suffix}").open("wb") as file:
        file.truncate(int(max_bytes) + 1)
    with pytest.raises(InputError, match="allowed are"):
        read_markers(str(tmp_path / f"m{suffix}"), FPS, None)


def test_times_may_name_cues() -> None:
    grid = Grid((0.0, 0.5), 0, 4, {"Drop": 4.0, "verse 2": 6.0})
    assert parse_time("drop", fps=FPS, key="k", grid=grid) == 4.0
    assert parse_time("verse 2", fps=FPS, key="k", grid=grid.since(1.0)) == 5.0
    for text, words in (("dorp", "did you mean Drop"), ("hook", "a cue of audio.markers: Drop, verse 2")):
        with pytest.raises(ConfigError, match=words):
            parse_time(text, fps=FPS, key="k", grid=grid)
    with pytest.raises(ConfigError, match="1s before the film or the shot begins"):
        parse_time("Drop", fps=FPS, key="k", grid=grid.since(5.0))


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><DJ_PLAYLISTS/>'
OUTSIDE = '<!DOCTYPE x SYSTEM "file:///etc/passwd"><DJ_PLAYLISTS/>'
DEEP = '{"OTIO_SCHEMA":"Stack.1","children":[' * 100 + "{}" + "]}" * 100


NO_METRE = midi_bytes(mido.MetaMessage("time_signature", numerator=7), mido.MetaMessage("end_of_track", time=960))
NO_METRE = NO_METRE.replace(b"\xff\x58\x04\x07", b"\xff\x58\x04\x00")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("m.xml", BOMB.encode(), "declares a document type"),
        ("m.nml", OUTSIDE.encode("utf-16"), "declares a document type"),
        ("m.xml", b"<DJ_PLAYLISTS>", "it is damaged"),
        ("m.xml", rekordbox("no.mp3").encode(), "none of its 2 tracks is s 1.wav"),
        ("m.xml", rekordbox("s%201.wav").replace('"120.00"', '"999"').encode(), "tempo of 999"),
        ("m.txt", b"hello\n", "line 1 is no label"),
        ("m.txt", b"\xff\xfe\x00", "no text in UTF-8"),
        ("m.csv", b"1,a\nb,c\n", "row 2 has no time"),
        ("m.csv", b"99999999999,a\n", "outside of any song"),
        ("m.csv", b"1,a\n" + b"9" * 400 + b":00,b\n", "row 2 has no time"),
        ("m.txt", b"9" * 5000 + b":00\t1\ta\n", "line 1 is no label"),
        ("m.csv", b"", "neither named markers nor beats"),
        ("m.mid", b"MThd\0\0\0\6\0\1\0\1\xe7\x28", "MIDI|clock"),
        ("m.csv", b"1,a\n" * 200_001, "more than 200000 markers"),
        ("m.mid", NO_METRE, "metre of 0 beats"),
        ("m.edl", b"1 " * 4000, "line 1 has more than 500 characters"),
        ("m.edl", b"TITLE: x\n", "no edit decision list"),
        ("m.otio", b"[]", "no OpenTimelineIO"),
        ("m.otio", b'{"OTIO_SCHEMA":"Timeline.1","tracks":{"markers":[{}]}}', "damaged"),
        ("m.otio", DEEP.encode(), "too deeply nested"),
        ("m.otio", b'{"OTIO_SCHEMA":"T","a":' + b"[" * 99999, "damaged|deep"),
        ("m.wav", b"RIFF", "markers are read from .txt, .csv"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises((InputError, ConfigError), match=words) as caught:
        read_markers(str(tmp_path / name), FPS, "s 1.wav")
    assert "\n" not in str(caught.value) and "audio.markers=" in str(caught.value)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(suffix=st.sampled_from(sorted(READERS)), data=st.data())
def test_damaged_files_never_end_in_a_traceback(tmp_path: Path, suffix: str, data: st.DataObject) -> None:
    path = draw(tmp_path / f"m{suffix}")
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        damaged = damaged or bytearray(b"x")
    path.write_bytes(bytes(damaged))
    with suppress(InputError, ConfigError):
        markers = read_markers(str(path), FPS, "s 1.wav")
        assert all(0 <= at for at, _ in markers.cues)
