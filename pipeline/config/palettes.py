"""Palettes by name: a few colours each, from dark to light, as sRGB in hexadecimal."""

PALETTES = {
    "dusk": ("#171533", "#3b2a63", "#7d3f7d", "#c9627c", "#f09a7d", "#ffdcb0"),
    "ember": ("#140c0b", "#401411", "#8a2416", "#cf5a1e", "#f09c3c", "#ffe2a6"),
    "lagoon": ("#04192b", "#0b4257", "#17807f", "#55b9a6", "#b9dcc1", "#f5ead0"),
    "moss": ("#10170f", "#2d3b23", "#5b6b33", "#94945a", "#c5b98a", "#ece3cb"),
    "teal_orange": ("#06202a", "#14505c", "#4f8c8e", "#a88d73", "#e09a5b", "#ffd9ae"),
    "sepia": ("#15100c", "#3d2c20", "#6f5540", "#a2866a", "#d2bc9d", "#f4e9d6"),
    "candy": ("#4a2c5a", "#a8568f", "#ef8fb0", "#8fcbe0", "#bfe8c8", "#fff2b8"),
    "neon": ("#0a0620", "#2a0f66", "#7a1fd0", "#f02a9c", "#23b8e8", "#c9fff4"),
}
