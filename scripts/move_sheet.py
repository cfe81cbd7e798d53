"""Draws docs/moves.jpg: a row of stills for every move of conf/move, each a real film over the same picture.

python scripts/move_sheet.py
python scripts/move_sheet.py --only orbit pendulum --output moves.jpg
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.cli.sanitize import choices
from scripts.frame_cases import ROOT
from scripts.gallery import draw_picture

WIDTH, HEIGHT, FPS = 240, 136, 12
FRAMES = (0, 9, 18, 27, 36, 47)  # of four seconds
TEXT_PIXELS = 18
JPEG_QUALITY = 72


def stills(move: str, photo: Path, folder: Path) -> list[Image.Image]:
    """Frames of the film with this move. Raises subprocess.CalledProcessError."""
    size = [f"frame.width={WIDTH}", f"frame.height={HEIGHT}", f"frame.fps={FPS}", f"duration={FRAMES[-1] + 1}f"]
    start = ["start=image", f"start.path={photo}", "start.steps=0", "dream.strength=0.12", "look=animals"]
    words = [f"move={move}", *size, *start, "encode=png", f"output={folder / move}"]
    subprocess.run([sys.executable, "-P", "-m", "pipeline.render", *words], cwd=ROOT, check=True, capture_output=True)
    return [Image.open(folder / move / f"{frame:05}.png").convert("RGB") for frame in FRAMES]


def main(arguments: Sequence[str] | None = None) -> int:
    """Render the films and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=choices("move"), default=choices("move"))
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "moves.jpg")
    options = parser.parse_args(arguments)
    row = HEIGHT + TEXT_PIXELS
    sheet = Image.new("RGB", (WIDTH * len(FRAMES), row * len(options.only)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(TEXT_PIXELS - 5)
    with tempfile.TemporaryDirectory() as scratch:
        photo = Path(scratch) / "photo.png"
        draw_picture(photo, "castle")
        for number, move in enumerate(options.only):
            pen.text((4, number * row + 1), f"move={move}", "black", font)
            for column, still in enumerate(stills(move, photo, Path(scratch))):
                sheet.paste(still, (column * WIDTH, number * row + TEXT_PIXELS))
    sheet.save(options.output, quality=JPEG_QUALITY, optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
