"""Dream-zoom renderer: hallucinated video from noise, photographs and footage.

    from pipeline import Film
    Film.from_preset("fractal_zoom", seed=3).render("zoom.mp4")

docs/python.md describes what can be imported from here.
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.api import Film, Prefix, TargetObjective, register_target

__all__ = ["Film", "Prefix", "TargetObjective", "__version__", "register_target"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """What needs torch is imported at its first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Spinning threads make a busy machine several times slower; torch reads these as it is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    from pipeline import api

    return getattr(api, name)
