"""Live: dream in real time, play the numbers and targets, and record what was played."""
