"""Films with opacity: a stop and a transition change nothing, the alpha is where and how much was dreamed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline import film
from tests.forked import Program
from tests.media.drawing import video
from tests.motion.test_dream_mask import left_half
from tests.test_shot import planned

TINY = ("frame.width=96", "frame.height=64", "frame.fps=12", "dream.octaves=1", "start.steps=1", "segment=4")
TINY = (*TINY, "network=motifnet", "encode=png", "dream.strength=2")


def pictures(folder: Path) -> list[bytes]:
    return [each.read_bytes() for each in sorted(folder.iterdir())]


def test_killed_film_with_a_mask_resumes_to_the_same_pictures(program: Program, tmp_path: Path) -> None:
    left_half(tmp_path / "mask.png")
    words = (*TINY, "dream.mask=mask.png", "mask.feather=0.1", "encode.alpha=mask", "duration=12f", "camera=static")
    assert program.run(*words, "output=whole", folder=tmp_path).code == 0
    stopped = program.run(*words, "output=film", folder=tmp_path, event="SIGINT at frame 9")
    assert stopped.code == 130, stopped.err
    run = program.run(*words, "output=film", folder=tmp_path)
    assert run.code == 0 and "of 12 frames are rendered" in run.err
    assert pictures(tmp_path / "film") == pictures(tmp_path / "whole")
    with Image.open(tmp_path / "film" / "00011.png") as picture:
        alpha = np.asarray(picture)[..., 3].astype(float)
    assert alpha[:, :30].min() > 250 and alpha[:, 70:].max() < 5 and abs(alpha[:, 47:49].mean() - 127) < 12


@pytest.mark.parametrize("transition", ["crossfade", "cut"])
def test_shots_with_opacity_join(tmp_path: Path, transition: str) -> None:
    mask, clip = left_half(tmp_path / "mask.png"), video(tmp_path / "clip.mp4", "color=c=0x606060:s=96x64:r=12:d=1")
    fade = ", fade: 4f" if transition == "crossfade" else ""
    footage = f"preset: footage, source.path: '{clip}', flow: none, mask.path: '{mask}', flow.warmup: 8"
    second = f"{{{footage}, duration: 8f, transition: {transition}{fade}}}"
    words = (f"film=[{{{footage}, duration: 8f}}, {second}]", "encode.alpha=dream", f"output={tmp_path}/film")
    film.render(planned(tmp_path, *TINY, *words))
    made = [np.asarray(Image.open(each)).astype(float) for each in sorted((tmp_path / "film").iterdir())]
    assert len(made) == (12 if transition == "crossfade" else 16) and made[0].shape == (64, 96, 4)
    for picture in made:
        assert picture[:, :30, 3].mean() > 15 > 8 > picture[:, 70:, 3].mean()
        assert np.abs(picture[:, 70:, :3] - 96).mean() < 6  # the footage, where nothing was dreamed
