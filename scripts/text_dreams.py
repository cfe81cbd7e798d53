"""Dream of texts with the network of ``scripts/text_model.py``: python scripts/text_dreams.py FOLDER SHEET.png

Films of six texts, a fade from one text to another, and the sum of a text and a channel of MotifNet. A judge of another
architecture, trained on shapes from other random numbers, names three frames of each; the sheet shows them.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Generator, Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.api import Film
from scripts.text_model import CAPTIONS, SIDE, Scene, blurred

TEXTS = ("red circle", "green triangle", "blue cross", "yellow triangle", "green circle", "red cross")
FADE = '[text:"red circle", text:"blue cross"]'
# In the middle of six seconds; the second text needs strength to take the first one away.
HALFWAY = (
    "score=cycle",
    "score.hold=4s",
    "score.fade=2s",
    "dream.strength=2s: 0.35, 2.5s: 1.2, 4.5s: 1.2, 5.5s: 0.3",
)
STEADY = "score=constant", "dream.strength=0.35"
SUM = '[text:"yellow circle" + 0.3*stage4:7@motifnet]'
SETTINGS = (
    "camera.zoom=1",
    "start.steps=8",
    "dream.octaves=1",
    "dream.jitter=2",
    "dream.color_correlation=0",
    "dream.fill=0",
)
FRAMES = ("frame.width=64", "frame.height=64", "frame.fps=4", "duration=6", "device=cpu", "precision=float32")
JUDGE_STEPS, JUDGE_BATCH = 400, 64


def judge(steps: int = JUDGE_STEPS) -> nn.Module:
    """A network that names captions, trained on drawn shapes, half of them blurred."""
    torch.manual_seed(77)
    layers, channels = list[nn.Module](), 3
    for width in (16, 32, 48):
        layers += [nn.Conv2d(channels, width, 5, padding=2), nn.BatchNorm2d(width), nn.SiLU(), nn.MaxPool2d(2)]
        channels = width
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(48 * (SIDE // 8) ** 2, 64), nn.SiLU())
    model.append(nn.Linear(64, len(CAPTIONS)))
    generator = Generator().manual_seed(99)
    optimizer = torch.optim.AdamW(model.parameters(), 4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps)
    for _ in range(steps):
        labels = torch.randint(len(CAPTIONS), (JUDGE_BATCH,), generator=generator)
        pictures = Scene(JUDGE_BATCH, generator).paint(labels)
        if torch.rand((), generator=generator) < 0.5:
            pictures = blurred(pictures, 0.5 + 2 * float(torch.rand((), generator=generator)))
        loss = F.cross_entropy(model(2 * pictures - 1), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def named(model: nn.Module, frame: Tensor) -> str:
    """The caption that the judge gives a frame ``(3, h, w)``."""
    picture = F.interpolate(frame[None], size=(SIDE, SIDE), mode="bilinear", antialias=True)
    with torch.no_grad():
        return CAPTIONS[int(model(2 * picture - 1).argmax())]


def film(folder: Path, targets: str, *score: str) -> list[Tensor]:
    """The frames ``(3, h, w)`` of a film."""
    network = "network=clip", f"network.weights={folder / 'open_clip_model.safetensors'}", "network.min_crop=0.9"
    words = (*network, *(score or STEADY), f"score.targets={targets}", *SETTINGS, *FRAMES)
    return [frame.reshape(3, *frame.shape[-2:]).float().clone() for frame in Film(*words)]


def main(folder: Path, sheet: Path) -> None:
    """Render, judge and draw the sheet."""
    films = {text: film(folder, f'[text:"{text}"]') for text in TEXTS}
    films["fade"] = film(folder, FADE, *HALFWAY)
    films["sum"] = film(folder, SUM)
    model = judge()
    for name, frames in films.items():
        print(
            f"{name}: {named(model, frames[0])}, {named(model, frames[len(frames) // 2])}, {named(model, frames[-1])}"
        )
    right = [named(model, frame) == text for text in TEXTS for frame in films[text]]
    print(f"{sum(right)} of {len(right)} frames of single texts are named right")
    columns = [
        torch.cat([frames[len(frames) // 6], frames[len(frames) // 2], frames[-1]], 1) for frames in films.values()
    ]
    pixels = (torch.cat(columns, 2).clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy()
    Image.fromarray(pixels).resize((pixels.shape[1] * 2, pixels.shape[0] * 2)).save(sheet)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
