"""What Python programs and notebooks use: films, and target kinds of their own."""

from pipeline.api.film import Film
from pipeline.api.targets import Prefix, TargetObjective, register_target

__all__ = ["Film", "Prefix", "TargetObjective", "register_target"]
