"""Motifs from the sea and the meadow: jellyfish, octopus, starfish, shells, beetle, feather eye."""

import numpy as np

from scripts.motifnet.canvas import (
    Canvas,
    circle,
    ellipse,
    mix,
    palette,
    petal,
    ramp,
    rotated,
    smoothstep,
    tube,
)
from scripts.motifnet.motifs.faces import INK, WHITE, iris
from scripts.motifnet.registry import motif


@motif(turn=35)
def jellyfish(c: Canvas) -> None:
    """A jellyfish: ribbed glassy bell, frilled arms, long trailing tentacles."""
    rng = c.rng
    hues = palette(
        c,
        "e88a6c fbdcc0 8a3430",
        "6fb0d8 e0f4fa 1c4c7c",
        "c88ac8 f4e0f4 582868",
        "f0c878 fff4d8 8c5820",
        "68c0b0 dcf8ec 145048",
    )
    for k, x in enumerate(np.linspace(-0.62, 0.62, 9)):
        s = np.linspace(0, 1, 8)
        sway = 0.1 * np.sin(s * rng.uniform(4, 8) + rng.uniform(0, 6)) * s
        line = np.stack([x * (1 - 0.25 * s) + sway, -0.05 + s * rng.uniform(0.75, 1.05)], -1)
        d, _, _ = tube(c, line.astype(np.float32), (0.035 if k % 2 else 0.02) * (1.1 - s))
        c.paint(d, mix(hues[0], hues[1], k % 2 * 0.6), dome=0.05, width=0.03)
    for x in (-0.26, 0.0, 0.26):
        s = np.linspace(0, 1, 7)
        line = np.stack([x * (1 + 0.3 * s) + 0.07 * np.sin(s * 9 + x * 9), -0.05 + 0.75 * s], -1)
        d, along, across = tube(c, line.astype(np.float32), 0.13 * (1 - 0.75 * s))
        frill = np.sin(along * 40 + across * 3) * 0.5 + 0.5
        c.paint(d + 0.02 * frill, mix(hues[1], hues[0], frill), dome=0.12, width=0.08, lift=0.05)
    top = 0.86
    edge = -0.05 + 0.06 * np.abs(np.sin(c.x * 11))
    dome = -0.1 - top * np.sqrt(np.maximum(1 - (c.x / 0.85) ** 2, 0))
    bell = np.maximum(np.maximum(dome - c.y, c.y - edge), np.abs(c.x) - 0.85) * 0.8
    meridian = c.x / np.sqrt(np.maximum(1 - ((c.y + 0.1) / (top + 0.02)) ** 2, 0.06))
    ribs = np.cos(meridian * 13)
    glow = ramp(np.clip(-c.y / top, 0, 1), hues[0], hues[1], hues[0], mix(hues[0], hues[2], 0.4))
    c.paint(bell, mix(glow, hues[2], smoothstep(0.55, 1.0, ribs) * 0.75), dome=0.6, width=0.5, lift=0.1)
    c.tint(smoothstep(-0.12, -0.02, bell) * (bell < 0) * (c.y > -0.25), hues[2])
    for x in (-0.3, 0.0, 0.3):
        c.tint(np.clip(0.5 - (np.abs(ellipse(c, x, -0.42, 0.11, 0.14)) - 0.03) / c.px, 0, 1) * 0.7, hues[1])
    c.tint(np.exp(-(((c.x + 0.32) / 0.12) ** 2 + ((c.y + 0.62) / 0.09) ** 2)) * 0.8, WHITE)


@motif(turn=60)
def octopus(c: Canvas) -> None:
    """An octopus: bulging mantle, two eyes, eight curling arms with rows of suckers."""
    rng = c.rng
    hues = palette(
        c,
        "c8583c f4b890 5c1c14",
        "8a5a9a dcbce0 34183f",
        "d8904c fbe0b0 6c3410",
        "4a8a98 b8e0dc 123c44",
        "b84860 f4b4b8 4a1020",
    )
    for k in range(8):
        angle = np.pi / 2 + (k - 3.5) * 0.52
        curl = rng.choice([-1, 1]) * rng.uniform(2.2, 4.2)
        s = np.linspace(0, 1, 12)
        heading = angle + curl * s**2
        steps = np.stack([np.cos(heading), np.sin(heading)], -1) * (1.15 / 12)
        line = np.cumsum(steps, 0) + np.asarray([0.12 * np.cos(angle), 0.02 + 0.1 * np.sin(angle)])
        d, along, across = tube(c, line.astype(np.float32), 0.13 * (1 - 0.85 * s))
        c.paint(d, mix(hues[0], hues[2], smoothstep(0.3, 1, np.abs(across)) * 0.7), dome=0.18, width=0.1)
        beads = np.hypot(((along * 11) % 1 - 0.5) * 1.5, (across + 0.45 * np.sign(curl)) * 1.2)
        c.tint(smoothstep(0.52, 0.4, beads) * (d < 0), hues[1])
        c.tint(smoothstep(0.24, 0.16, beads) * (d < 0), hues[2])
    mantle = ellipse(c, 0, -0.48, 0.44, 0.52)
    spots = smoothstep(0.5, 0.9, c.noise(3.5, 1))
    c.paint(mantle, mix(mix(hues[0], hues[1], 0.35 - 0.5 * c.y - 0.4), hues[2], 0.6 * spots), 0.5, 0.42, 0.15)
    neck = ellipse(c, 0, -0.02, 0.34, 0.24)
    c.paint(neck, hues[0], dome=0.25, width=0.25, lift=0.25)
    for side in (-1, 1):
        c.paint(circle(c, side * 0.22, -0.12, 0.15), mix(hues[0], hues[1], 0.6), dome=0.2, width=0.15, lift=0.4)
        iris(
            c,
            side * 0.22,
            -0.12,
            0.105,
            [np.float32([0.9, 0.75, 0.3]), np.float32([1, 0.92, 0.6]), np.float32([0.5, 0.3, 0.1])],
        )
        c.tint(np.clip(0.5 - (np.abs(c.y + 0.12) - 0.028) / c.px, 0, 1) * (np.abs(c.x - side * 0.22) < 0.08), INK)


@motif()
def starfish(c: Canvas) -> None:
    """A starfish: five tapering arms beset with rows of pearls."""
    rng = c.rng
    hues = palette(
        c,
        "e0683c fbc890 802814",
        "d84858 f8b8b0 701824",
        "e8b04c fdf0c0 8a5014",
        "4a80b8 b8dcf0 173a6a",
        "9a5aa0 e4c0e0 441c50",
    )
    radius, angle = c.polar()
    plump, spin = rng.uniform(0.16, 0.26), rng.uniform(0, 6)
    sector = 2 * np.pi / 5
    folded = (angle + spin + 0.25 * radius * rng.normal()) % sector - sector / 2
    u, v = radius * np.cos(folded), radius * np.sin(folded)
    d = (np.abs(v) - plump * np.maximum(1.05 - u, 0) ** 0.8 - 0.02) * 0.85
    d = np.maximum(d, u - 1.0)
    c.paint(d, mix(hues[0], hues[2], smoothstep(-0.12, 0.0, d) * 0.8), dome=0.35, width=0.22)
    side = np.abs(np.abs(v) - 0.55 * plump * (1.05 - u))
    for offset, size in ((np.abs(v), 0.5), (side, 0.36)):
        bead = np.hypot((u * 9) % 1 - 0.5, offset * 9)
        cover = smoothstep(size, size - 0.14, bead) * (d < 0)
        c.tint(cover, hues[1])
        c.height += 0.06 * cover


@motif(turn=60)
def nautilus(c: Canvas) -> None:
    """A nautilus: a logarithmic spiral shell, striped and ribbed, with a wide opening."""
    rng = c.rng
    hues = palette(c, "d8985c fbe8cc 703c1c", "e8d8c0 ffffff a0603c", "8ab0b8 ecf8f4 305460",
                   "c87868 f8d8c4 5c2420", "b0a0c0 f0e8f4 50406c")  # fmt: skip
    growth, stripes = 0.178, rng.random() < 0.6
    radius, angle = c.polar(0.12, 0.05)
    wound = (angle + np.pi) % (2 * np.pi)
    # the outer edge of whorl k is 0.95·exp(growth·(wound − 2π·(k + 1)))
    whorl = np.log(np.maximum(radius, 0.004) / 0.95) / growth / (2 * np.pi) + 1 - wound / (2 * np.pi)
    outer = 0.95 * np.exp(growth * (wound - 2 * np.pi))
    d = ((radius - outer) * 0.9).astype(np.float32)
    across = np.where(whorl > 0, 1.0, whorl % 1)
    position = wound + 2 * np.pi * np.floor(np.minimum(whorl, -1e-6))
    ribs = 0.5 + 0.5 * np.sin(position * 7 + across * 2.2)
    tone = ramp(across, hues[2], hues[0], hues[1], hues[1], hues[0])
    bands = smoothstep(0.5, 0.85, ribs) if stripes else 0.3 * ribs
    c.paint(d, mix(tone, hues[2], bands * smoothstep(0.25, 0.6, across) * 0.9))
    arched = np.sqrt(np.maximum(1 - (2 * across - 1) ** 2, 0))
    c.height += (d < 0) * (0.5 * arched * np.minimum(radius, 0.8) + 0.05 * ribs * radius)
    c.tint((1 - smoothstep(0.0, 0.1, across)) * (d < 0) * 0.8, hues[2])
    mouth = ellipse(c, -0.52, 0.06, 0.3, 0.13)
    c.paint(np.maximum(mouth, d), mix(hues[2], (0.1, 0.05, 0.05), 0.5 - c.y), lift=0.1)
    c.line(np.maximum(mouth, d), 0.035, hues[1])
    c.line(d, 0.03, hues[2])


@motif(turn=90)
def beetle(c: Canvas) -> None:
    """A jewel beetle from above: two glossy wing cases, thorax, jaws, six jointed legs."""
    rng = c.rng
    hues = palette(
        c,
        "2f8a5c a8f0a0 0c2c1c d8c048",
        "b8302c f8a060 300808 1a1010",
        "2f5a9a 90d0f0 0c1430 c8a048",
        "a8742c f8dc80 3c200c 2c1808",
        "6a3a8a d8a8f0 200c30 48a878",
    )
    for side in (-1, 1):
        for y, reach, drop in ((-0.32, 0.75, -0.4), (0.0, 0.85, 0.1), (0.3, 0.78, 0.55)):
            leg = np.float32([[0.2 * side, y], [0.62 * side, y + drop * 0.35], [reach * 0.98 * side, y + drop]])
            d, _, _ = tube(c, leg, [0.06, 0.045, 0.025])
            c.paint(d, hues[2], dome=0.06, width=0.04)
        jaw = np.float32([[0.08 * side, -0.8], [0.24 * side, -0.92], [0.1 * side, -1.04]])
        c.paint(tube(c, jaw, [0.05, 0.045, 0.01])[0], hues[2], dome=0.05, width=0.04)
    c.paint(ellipse(c, 0, -0.74, 0.22, 0.16), mix(hues[2], hues[0], 0.35), dome=0.2, width=0.15, lift=0.05)
    thorax = ellipse(c, 0, -0.48, 0.39, 0.24)
    c.paint(thorax, mix(hues[0], hues[2], smoothstep(-0.12, 0, thorax)), dome=0.3, width=0.22, lift=0.08)
    case = ellipse(c, 0, 0.25, 0.5, 0.68)
    sheen = ramp(np.clip(0.55 - 0.5 * c.y - 0.5 * np.abs(np.abs(c.x) - 0.2), 0, 1), hues[2], hues[0], hues[0], hues[1])
    c.paint(case, sheen, dome=0.5, width=0.45, lift=0.08)
    if rng.random() < 0.5:
        for side in (-1, 1):
            for x, y in ((0.22, -0.05), (0.3, 0.3), (0.16, 0.6)):
                c.tint(np.clip(0.5 - circle(c, side * x, y, 0.09) / c.px, 0, 1) * (case < 0), hues[3])
    else:
        grooves = np.abs(np.sin(c.x * 24 / (0.6 + 0.4 * np.cos(c.y * 1.6))))
        c.tint(smoothstep(0.35, 0.05, grooves) * (case < -0.03) * 0.6, hues[2])
    c.line(np.maximum(np.abs(c.x), np.abs(c.y - 0.3) - 0.62), 0.03, hues[2])
    c.tint(np.exp(-(((np.abs(c.x) - 0.2) / 0.07) ** 2 + ((c.y + 0.05) / 0.2) ** 2)) * 0.65 * (case < 0), WHITE)


@motif(turn=60)
def peacock_eye(c: Canvas) -> None:
    """The eye of a peacock's feather: heart of indigo, teal, bronze and gold rings, loose green barbs."""
    hues = palette(
        c,
        "141c54 1c8098 a8642c d8b048 4a7a2c c8d868",
        "1c1444 2f70c0 7c4c20 c8a03c 2f8060 a0dca8",
        "240c2c 5c3c9a 98402c e8a850 5a7038 d8d080",
    )
    _, angle = c.polar()
    for k in range(40):
        a = -np.pi / 2 + (k - 19.5) * 0.148
        u, v = rotated(c.x, c.y - np.float32(0.1), a)
        v = v + 0.1 * np.sin(u * 4 + k) * u
        d = petal(u - np.float32(0.3), v, 0.72 - 0.1 * (k % 2), 0.055, 0.8)
        c.paint(d, mix(hues[4], hues[5], np.clip(u, 0, 1) * (0.6 + 0.4 * (k % 2))), dome=0.06, width=0.04)
    quill, _, _ = tube(c, np.float32([[0, 0.3], [0.02, 1.1]]), [0.045, 0.03])
    c.paint(quill, (0.9, 0.85, 0.7), dome=0.05, width=0.04, lift=0.1)
    barbs = np.sin(angle * 70) * 0.5 + 0.5
    for size, colour in ((0.66, hues[4]), (0.6, hues[3]), (0.5, hues[2])):
        d = ellipse(c, 0, 0.0, size * 0.86, size)
        c.paint(d, mix(colour, mix(colour, (0, 0, 0), 0.4), 0.6 * barbs), dome=0.1, width=0.15, lift=0.1)
    c.paint(ellipse(c, 0, 0.06, 0.33, 0.35), mix(hues[1], WHITE, 0.25 * barbs), dome=0.1, width=0.1, lift=0.15)
    heart = np.maximum(ellipse(c, 0, 0.1, 0.21, 0.2), 0.12 - circle(c, 0, 0.36, 0.0))
    c.paint(heart, mix(hues[0], hues[1], 0.35 * barbs), dome=0.1, width=0.1, lift=0.2)
