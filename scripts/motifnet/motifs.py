"""All motifs, in the order of the network's classes."""

from pipeline.networks.motifnet import CLASSES
from scripts.motifnet import (
    motifs_animals,
    motifs_buildings,
    motifs_craft,
    motifs_faces,
    motifs_flow,
    motifs_flowers,
    motifs_patterns,
    motifs_plants,
    motifs_sea,
)
from scripts.motifnet.registry import DRAWN, Motif

MODULES = (
    motifs_animals,
    motifs_buildings,
    motifs_craft,
    motifs_faces,
    motifs_flow,
    motifs_flowers,
    motifs_patterns,
    motifs_plants,
    motifs_sea,
)
MOTIFS: dict[str, Motif] = {name: DRAWN[name] for name in CLASSES}
