"""All motifs, in the order of the network's classes."""

from pipeline.networks.motifnet import CLASSES
from scripts.motifnet.motifs import animals, buildings, craft, faces, flow, flowers, patterns, plants, sea
from scripts.motifnet.registry import DRAWN, Motif

MODULES = (
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
MOTIFS: dict[str, Motif] = {name: DRAWN[name] for name in CLASSES}
