"""Dream-zoom renderer: hallucinated video from noise, photographs and footage.

    from pipeline import Film
    Film.from_preset("fractal_zoom", seed=3).render("zoom.mp4")

docs/python.md describes what can be imported from here.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.api import Film, Prefix, TargetObjective, register_target

__all__ = ["Film", "Prefix", "TargetObjective", "__version__", "register_target"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """What needs torch is imported at its first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pipeline.runtime.environment import use_passive_threads

    use_passive_threads()
    from pipeline import api

    return getattr(api, name)
