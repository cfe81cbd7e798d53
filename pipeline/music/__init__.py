"""A song heard once: its beats, bars, onsets, levels and sections, as figures that a score can play. No torch."""
