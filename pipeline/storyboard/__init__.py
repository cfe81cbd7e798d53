"""The storyboard: a film at one glance before it is rendered."""
