"""Settings of the test films whose frames are hashed, and the pictures, video, sound and weights that they need.

``CASES`` has the command line of each film, ``INPUTS`` what draws each file that a command line may name. Used by
``frame_hashes.py``, which renders them.
"""

import shlex
import subprocess
import wave
from collections.abc import Callable
from functools import partial
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Picture = NDArray[np.uint8]

ROOT = Path(__file__).resolve().parent.parent
SQUEEZENET = ROOT.parent / "shared" / "weights" / "squeezenet1_0-imagenet.safetensors"
BASE = (
    "network=motifnet device=cpu precision=float32 network.channels_last=false seed=1"
    " frame.width=96 frame.height=64 frame.fps=4"
    " duration=24f start.steps=12 encode=ffv1 encode.bits=16"
)
EFFICIENTNET = "network=efficientnet_lite0"  # for presets that name its layers
CLIP = "+preset=footage source.path=clip.mkv frame.width=0 frame.height=0 frame.fps=source duration=100%"
SHORT = "score=constant duration=6f"
TWO = "film=[{preset: spiral, duration: 3s}, {preset: breathing, transition: %s, fade: 1s}]"
CASES = {
    # Every preset; the ones that need a file get one that is drawn below.
    **{f"preset-{name}": f"+preset={name}" for name in ("breathing", "fractal_zoom", "spiral")},
    **{f"preset-{name}": f"+preset={name} audio.path=song.wav" for name in ("music_fractal", "music_pulse")},
    "preset-music_video": "+preset=music_video audio.path=song.wav audio.bpm=120",
    "preset-footage": CLIP,
    "preset-inception": "+preset=inception network=googlenet network.weights=googlenet.safetensors"
    " duration=6f start.steps=4",
    "preset-portrait": "+preset=portrait start.path=photo.png",
    "preset-triptych": f"+preset=triptych {EFFICIENTNET} frame.fps=2 duration=17s",
    "preset-latent_walk": f"+preset=latent_walk {EFFICIENTNET} duration=2s",
    "preset-sleep": f"+preset=sleep {EFFICIENTNET} duration=12f",
    "preset-morph": "+preset=morph start.path=photo.png imagine.to=guide.png duration=6f",
    "preset-bestiary": f"+preset=bestiary {EFFICIENTNET}",
    **{
        f"preset-{name}": f"+preset={name} {EFFICIENTNET} duration=6f start.steps=4"
        for name in ("ascent", "kaleidoscope", "matryoshka", "nocturne", "subject")
    },
    # Every kind of score, camera and start.
    "score-beats": "score=beats audio.bpm=120",
    "score-constant": "score=constant 'score.targets=[class:owl, 0.5*class:eye]'",
    "score-cycle": "score.layers=[stage4] score.random_channels=4 score.hold=1s",
    "score-fractal": "score=fractal camera.zoom=0.7",
    "score-guided": "score=guided score.guide=guide.png score.targets=[0.5*stage3] duration=12f",
    "score-keys": "score=keys 'score.keys=[{at: 0s, see: class:owl},{at: 3s, see: class:eye, fade: 1s, weight: 0.5}]'",
    "score-layers": "score=layers score.layers=[stage2,stage3,stage4] duration=12f",
    "score-walk": "score=walk score.targets=[stage4:61] score.hold=2s score.fade=1s duration=12f",
    **{f"camera-{name}": f"{SHORT} camera={name}" for name in ("drift", "flight", "spiral", "static", "zoom")},
    "camera-keyframes": f"{SHORT} camera.center=[0.3,0.4] 'camera.zoom=0s: 1.2, 1s: 1.7 in' camera.rotate=20*sin(t)",
    "camera-deforum": f"{SHORT} 'camera.zoom=0:(1.02), 5:(1.05)' 'dream.strength=0.5 + 0.2*noise(t)'",
    "start-imagine": f"{SHORT} start=imagine imagine.z=class:owl start.steps=3",
    "start-image": f"{SHORT} start=image start.path=photo.png start.steps=3",
    "start-noise": f"{SHORT} start=noise start.unfold=2s dream.tone=start duration=12f",
    # Ways to dream.
    "dream-fourier": f"{SHORT} dream.exponent=0.6 dream.color_correlation=0.5 dream.fill=0.8 dream.detail=0.5 "
    "dream.mask=luma",
    "dream-gaussian": f"{SHORT} dream.precondition=gaussian dream.tone=free dream.steps=2",
    "dream-laplacian": f"{SHORT} dream.precondition=laplacian dream.jitter=0",
    "dream-none": f"{SHORT} dream.precondition=none dream.color_correlation=0 dream.steps=3",
    "dream-octaves": f"{SHORT} frame.width=160 frame.height=128 dream.octaves=4 score.targets=[stage3] duration=4f",
    "tiles-class": f"{SHORT} frame.width=160 frame.height=96 dream.tile=96 start.steps=1 duration=1f",
    "tiles-layer": f"{SHORT} frame.width=160 dream.tile=64 start.steps=1 score.targets=[stage3] duration=1f",
    # Films of several shots, loops, and a film that was stopped. Its segments are short; so are the other's.
    **{f"film-{name}": shlex.quote(TWO % name) for name in ("cut", "crossfade", "dip", "zoom_through")},
    "film-auto": "film=auto audio.bpm=400 audio.beats_per_bar=1 duration=20f",
    "film-footage": "'film=[{preset: footage, source.path: clip.mkv}, {preset: spiral, transition: zoom_through}]'",
    "loop": "loop=true",
    "loop-film": "loop=true " + shlex.quote((TWO % "crossfade").replace("3s", "5s", 1)),
    "unstopped": "+preset=spiral segment=6",
    "stopped-and-resumed": "+preset=spiral segment=6",
    # Footage.
    **{f"footage-{mask}": f"{CLIP} dream.mask={mask}" for mask in ("motion", "still", "luma")},
    "footage-region": CLIP
    + """ 'score.targets=["class:owl{left}", "class:eye{right}"]' flow.preset=fine source.end=12f""",
    "footage-blend": f"{CLIP} flow=none flow.style=blend flow.persistence=0.5 source.start=4f",
    "footage-camera": f"{CLIP} camera=zoom frame.fps=6 frame.width=80 flow.reset=1 flow.keep_light=0",
    # Targets of every kind.
    "target-layer": f"{SHORT} score.targets=[stage4]",
    "target-channel": f"{SHORT} score.targets=[stage5:77]",
    "target-neuron": f"{SHORT} score.targets=[stage5:12@0.5x0.3]",
    "target-class": f"{SHORT} score.targets=[class:butterfly]",
    "target-direction": f"{SHORT} score.targets=[dir:stage4:12..40]",
    "target-diverse": f"{SHORT} score.targets=[diverse:stage4:3+17+40]",
    "target-guide": f"{SHORT} score.targets=[guide:guide.png]",
    "target-guide-layer": f"{SHORT} score.targets=[guide:stage3:guide.png]",
    "target-region": f"""{SHORT} 'score.targets=["class:owl{{circle(0.5,0.4,0.3)}}", "stage4:61{{not center}}"]'""",
    "target-region-file": f"""{SHORT} 'score.targets=["class:owl{{mask.png}}"]'""",
    "target-octaves": f"""{SHORT} frame.width=128 'score.targets=["class:owl[coarse] + stage2:5[fine]"]'""",
    "target-sum": f"""{SHORT} 'score.targets=[{{class\\:owl: "0s: 1, 1s: 0"}}, "class:eye + stage4", -0.5*stage2]'""",
    # Networks, the other memory order and half precision.
    "network-squeezenet": f"{SHORT} network=squeezenet1_0 network.weights={shlex.quote(str(SQUEEZENET))}",
    "network-squeezenet-class": f"{SHORT} network=squeezenet1_0 network.weights={shlex.quote(str(SQUEEZENET))}"
    " score.targets=[class:lion] network.channels_last=true",
    "network-torchvision": f"{SHORT} network=torchvision network.name=shufflenet_v2_x0_5 score.targets=[stage3]"
    " network.weights=shufflenet_v2_x0_5.safetensors",
    "channels_last": f"{SHORT} network.channels_last=true",
    "bfloat16": f"{SHORT} precision=bfloat16 duration=2f start.steps=2",
    # Ways to encode that are not lossless, or have few bits.
    **{f"encode-{name}": f"{SHORT} encode={name} encode.bits=auto" for name in ("h264", "prores", "gif", "png")},
}
ENDINGS = {"encode-h264": ".mp4", "encode-prores": ".mov", "encode-gif": ".gif", "encode-png": ""}
KILLED = {"stopped-and-resumed": "unstopped"}  # and which film it has to equal


def texture(seed: int, width: int, height: int) -> Picture:
    """A picture of soft colours."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 16, width // 16, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def draw_picture(path: Path, seed: int) -> None:
    """Soft colours with a disc in them."""
    picture = Image.fromarray(texture(seed, 128, 96))
    ImageDraw.Draw(picture).ellipse((40, 20, 90, 70), fill=(230, 180, 40), outline=(20, 30, 60), width=5)
    picture.save(path)


def draw_mask(path: Path) -> None:
    """A white disc on black."""
    picture = Image.new("L", (96, 64))
    ImageDraw.Draw(picture).ellipse((30, 10, 80, 60), fill=255)
    picture.save(path)


def draw_clip(path: Path) -> None:
    """Two seconds: the view glides, a disc crosses it, and after the 14th frame there is a cut."""
    frames = b""
    for number in range(24):
        scene = texture(3 + (number >= 14), 192, 128)[number : number + 64, 2 * number : 2 * number + 96]
        picture = Image.fromarray(scene)
        ImageDraw.Draw(picture).ellipse((80 - 3 * number, 20, 104 - 3 * number, 44), fill=(250, 250, 230))
        frames += picture.tobytes()
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "96x64", "-r", "12", "-i", "-"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *raw, "-c:v", "ffv1", "-pix_fmt", "bgr0", str(path)]
    subprocess.run(command, input=frames, check=True)


def draw_song(path: Path, rate: int = 22_050) -> None:
    """Eight seconds of kicks at 120 beats a minute, with a chord in every other bar."""
    t = np.arange(8 * rate) / rate
    kicks = 0.7 * np.sin(2 * np.pi * 55 * (t % 0.5)) * np.exp(-(t % 0.5) * 18)
    chord = sum(0.06 * np.sin(2 * np.pi * hertz * t) for hertz in (220, 277, 330)) * (t // 2 % 2)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(((kicks + chord).clip(-1, 1) * 32767).astype("<i2").tobytes())


def draw_weights(path: Path) -> None:
    """Random weights for the torchvision network that the file is called after, as large as those of He et al. 2015."""
    import torch
    import torchvision
    from safetensors.numpy import save_file

    more = {"init_weights": False} if path.stem == "googlenet" else {}
    with torch.device("meta"):
        shapes = torchvision.models.get_model(path.stem, weights=None, **more).state_dict()
    rng, drawn = np.random.default_rng(0), {}
    for name, tensor in shapes.items():
        if tensor.ndim > 1:
            scale = np.float32((2 / np.prod(tensor.shape[1:])) ** 0.5)
            drawn[name] = scale * rng.standard_normal(tuple(tensor.shape), np.float32)
        else:
            drawn[name] = np.full(tuple(tensor.shape), name.endswith(("running_var", "weight")), np.float32)
    save_file(drawn, path)


INPUTS: dict[str, Callable[[Path], None]] = {
    "photo.png": partial(draw_picture, seed=1),
    "guide.png": partial(draw_picture, seed=2),
    "mask.png": draw_mask,
    "clip.mkv": draw_clip,
    "song.wav": draw_song,
    **{f"{name}.safetensors": draw_weights for name in ("googlenet", "shufflenet_v2_x0_5")},
}
