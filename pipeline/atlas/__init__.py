"""The atlas: what every channel and class of a network sees, drawn and bound into one page."""
