"""Song analysis: beats, bars, onsets, levels and sections as signals for a score. No torch."""
