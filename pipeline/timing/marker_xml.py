"""Reads beat grids and cues of DJ programs: Rekordbox's XML and Traktor's NML.

An expat parser without document types: no entity is declared, so none can open a file or grow.
"""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote
from xml.parsers import expat

from pipeline.errors import nearest
from pipeline.timing.marker_tables import MAX_SECONDS, MarkerError, check_count, check_second, even_beats

GRID_SECONDS = 4.0 * 3600  # how far a grid reaches after its last tempo
_PLAIN_CUE, _GRID = "0", "4"  # Traktor's kinds of cues
Element = tuple[str, dict[str, str]]
Contents = tuple[list[tuple[float, str]], list[float], list[float]]


@dataclass
class Track:
    """``path`` as the collection writes it, with slashes; ``elements`` in the file's order."""

    path: str
    elements: list[Element] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its file name."""
        return PurePosixPath(self.path).name


def collection(data: bytes, song: str) -> Contents:
    """(cues, beats, bars) of the file ``song``, by name, or of the only track. Raises MarkerError.

    Of several tracks with this name it is the one in the song's folder.
    """
    name = Path(song).name
    tracks = _tracks(data, name)
    if not tracks:
        raise MarkerError("it is no collection of Rekordbox or Traktor")
    namesakes = [track for track in tracks if track.name == name]
    if not namesakes and len(tracks) > 1:
        hint = nearest(name, {track.name for track in tracks})
        raise MarkerError(f"none of its {len(tracks)} tracks is {name or 'chosen: there is no audio.path='}{hint}")
    if len(namesakes) > 1:
        count, path = len(namesakes), f"/{Path(song).absolute().as_posix().lstrip('/')}"
        namesakes = [track for track in namesakes if path.endswith(f"/{track.path.lstrip('/')}")]
        if len(namesakes) != 1:
            raise MarkerError(f"{count} of its tracks are named {name}; export one that holds only the track you mean")
    return _contents((namesakes or tracks)[0].elements)


def _tracks(data: bytes, name: str) -> list[Track]:
    """All tracks; to save memory, elements only of the first and of those with the file name ``name``."""
    tracks, is_open, count = list[Track](), False, 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal is_open, count
        path = ""
        if tag == "TRACK":
            path = unquote(attributes.get("Location", "")).removeprefix("file://localhost")
        elif tag == "LOCATION":
            path = attributes.get("DIR", "").replace("/:", "/") + attributes.get("FILE", "")
        if path:
            tracks.append(Track(path))
            check_count(tracks)
        if path or tag in ("TRACK", "ENTRY"):  # one without a path is of a playlist
            is_open = bool(path)
        elif is_open and tag in ("TEMPO", "POSITION_MARK", "CUE_V2") and (len(tracks) == 1 or tracks[-1].name == name):
            tracks[-1].elements.append((tag, attributes))
            check_count(tracks[-1].elements)

    def refuse(*declared: object) -> None:
        raise MarkerError("it declares a document type, which is not read")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise MarkerError(f"it is damaged ({error})") from None
    return tracks


def _contents(elements: list[Element]) -> Contents:
    cues, tempi = [], list[tuple[float, float, int, int]]()  # second, bpm, beats per bar, number in the bar
    traktor_bpm = 0.0
    for tag, attributes in elements:
        if tag == "TEMPO" and "Inizio" in attributes:
            metre = attributes.get("Metro", "4/4").partition("/")[0]
            start, bpm = _number(attributes, "Inizio"), _number(attributes, "Bpm")
            tempi.append((start, bpm, int(_of(metre)), int(_of(attributes.get("Battito", "1")))))
        elif tag == "TEMPO":
            traktor_bpm = _number(attributes, "BPM")
        elif tag == "POSITION_MARK" and attributes.get("Name", "").strip():
            cues.append((check_second(_number(attributes, "Start")), attributes["Name"]))
        elif tag == "CUE_V2" and attributes.get("TYPE") == _GRID and traktor_bpm:
            tempi.append((_number(attributes, "START") / 1000, traktor_bpm, 4, 1))
        elif tag == "CUE_V2" and attributes.get("NAME", "n.n.").strip() not in ("", "n.n."):
            cues.append((check_second(_number(attributes, "START") / 1000), attributes["NAME"]))
    beats, bars = list[float](), list[float]()
    tempi.sort()
    for index, (start, bpm, beats_per_bar, number) in enumerate(tempi):
        end = tempi[index + 1][0] - 0.02 if index + 1 < len(tempi) else min(start + GRID_SECONDS, MAX_SECONDS)
        part = even_beats(check_second(start), bpm, end)
        beats += part
        check_count(beats)
        bars += part[(1 - number) % max(1, beats_per_bar) :: max(1, beats_per_bar)]
    return cues, beats, bars


def _number(attributes: dict[str, str], key: str) -> float:
    return _of(attributes.get(key, ""))


def _of(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise MarkerError(f"{text[:20]!r} is not a number") from None
    if not abs(number) < 1e9:
        raise MarkerError(f"{text[:20]!r} is out of range")
    return number
