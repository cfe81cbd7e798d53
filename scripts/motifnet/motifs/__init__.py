"""All motifs, in the order of the network's classes."""

from pipeline.networks.motifnet import CLASSES
from scripts.motifnet.motifs import (  # noqa: F401 - each adds its motifs to DRAWN
    animals,
    buildings,
    craft,
    faces,
    flow,
    flowers,
    patterns,
    plants,
    sea,
)
from scripts.motifnet.registry import DRAWN, Motif

MOTIFS: dict[str, Motif] = {name: DRAWN[name] for name in CLASSES}
