"""Reads beat grids and cues of DJ programs: Rekordbox's XML and Traktor's NML.

An expat parser without document types: no entity is declared, so none can open a file or grow.
"""

from pathlib import PurePosixPath
from urllib.parse import unquote
from xml.parsers import expat

from pipeline.errors import nearest
from pipeline.timing.marker_tables import MAX_SECONDS, MarkerError, check_second, even_beats

GRID_SECONDS = 4.0 * 3600  # how far a grid reaches after its last tempo
_PLAIN_CUE, _GRID = "0", "4"  # Traktor's kinds of cues
Element = tuple[str, dict[str, str]]
Contents = tuple[list[tuple[float, str]], list[float], list[float]]


def collection(data: bytes, song: str) -> Contents:
    """(cues, beats, bars) of the ``song``, by its file name, or of the only track. Raises MarkerError."""
    tracks: dict[str, list[Element]] = {}
    name = ""
    for tag, attributes in _elements(data):
        if tag == "TRACK" and "Location" in attributes:
            name = PurePosixPath(unquote(attributes["Location"])).name
        elif tag == "LOCATION":
            name = attributes.get("FILE", "")
        if name:
            tracks.setdefault(name, []).append((tag, attributes))
    if not tracks:
        raise MarkerError("it is no collection of Rekordbox or Traktor")
    if song not in tracks and len(tracks) > 1:
        hint = nearest(song, tracks)
        raise MarkerError(f"none of its {len(tracks)} tracks is {song or 'chosen: there is no audio.path='}{hint}")
    return _contents(tracks[song] if song in tracks else next(iter(tracks.values())))


def _elements(data: bytes) -> list[Element]:
    elements: list[Element] = []
    parser = expat.ParserCreate()

    def refuse(*declared: object) -> None:
        raise MarkerError("it declares a document type, which is not read")

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda tag, attributes: elements.append((tag, attributes))
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise MarkerError(f"it is damaged ({error})") from None
    return elements


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
