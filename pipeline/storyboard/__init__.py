"""The storyboard: a sketch and an estimate of a film before it is rendered."""
