"""The atlas: a picture for every channel and class of a network, on sheets and one page."""
