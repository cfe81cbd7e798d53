"""The settings of a live session, written ``live.fps=12``."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option


@dataclass
class LiveConfig:
    """How the program is played live."""

    fps: float = option(12.0, "frames per second", low=1, high=60)
    size: str = option("auto", "WxH in pixels, as 192x108; auto: the largest of the frame's shape that holds live.fps")
    max_side: int = option(1280, "pixels of the longer side that live.size=auto may reach", low=64, high=4096)
    port: int | None = option(None, "port of the page; null: 8642 or a free one", low=0, high=65535)
    page: bool = option(True, "serve the page")
    osc: int | None = option(None, "port for OSC messages, such as 9000; null: none", low=0, high=65535)
    midi: str | None = option(
        None, "MIDI input: auto (all devices), a part of a device's name, or virtual (a port of its own); null: none"
    )
    midi_map: str | None = option(None, "file of what each knob plays; null: midi.yaml in your folder of settings")
    listen: str = option("127.0.0.1", "address at which OSC messages are received; 0.0.0.0 is all of this machine")
    audio: str | None = option(
        None, "sound that expressions follow: input (the machine's), or input:2, input:USB (a device); null: none"
    )
    still: Any = option(
        "2s", "time without motion after which a place of the camera's picture dreams fully (flow.still)"
    )
    out: str | None = option(
        None, "also send the picture as a video: udp://127.0.0.1:5000, /dev/video9 (v4l2loopback), take.ts or take.mkv"
    )
    fade: Any = option("1.5s", "time in which targets and scenes fade")
    wall: int = option(24, "targets with pictures on the page", low=0, high=200)
    until: Any = option(None, "end after this time; null: at Ctrl-C")
