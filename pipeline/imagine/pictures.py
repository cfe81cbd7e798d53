"""The pictures that a model learns from when there is no folder of one's own: the project's drawings."""

import hashlib
import importlib
import sys
from pathlib import Path

import numpy as np
import torch

from pipeline.errors import InputError
from pipeline.pictures.folder import Pictures
from pipeline.runtime.cache import cache_folder, load_arrays, save_arrays

DRAWINGS = 128
"""Drawings of each class."""


def read_drawings(size: int) -> Pictures:
    """The project's drawings, ``DRAWINGS`` of each motif, from the cache or drawn now.

    Raises InputError where the project's source is not there.
    """
    root = Path(__file__).resolve().parent.parent.parent
    if not (root / "scripts" / "motifnet" / "subjects.py").is_file():
        raise InputError("pictures=null: the drawings come with the project's source; give pictures=FOLDER")
    sys.path.insert(0, str(root))
    try:
        subjects = importlib.import_module("scripts.motifnet.subjects")
        motifs = importlib.import_module("scripts.motifnet.motifs").MOTIFS
        sources = importlib.import_module("scripts.motifnet.dataset").SOURCES
    finally:
        sys.path.remove(str(root))
    code = "".join(path.read_text(encoding="utf-8") for path in (*sources, Path(str(subjects.__file__))))
    key = hashlib.sha256(code.encode()).hexdigest()[:12]
    path = cache_folder("drawings") / f"subjects-{DRAWINGS}-{size}-{key}.npz"
    arrays = load_arrays(path)
    if arrays is None:
        arrays = {"images": subjects.draw_subjects(DRAWINGS, size)}
        save_arrays(path, **arrays)
    images = torch.from_numpy(np.ascontiguousarray(arrays["images"])).flatten(0, 1)
    return Pictures(images, torch.arange(len(motifs)).repeat_interleave(DRAWINGS), tuple(motifs), "drawings")
