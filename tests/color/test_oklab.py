"""The curves of sRGB."""

import torch

from pipeline.color.oklab import to_encoded, to_linear


def test_srgb_curves_follow_the_standard() -> None:
    encoded = torch.linspace(0, 1, 4097, dtype=torch.float64)
    linear = torch.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    assert torch.allclose(to_linear(encoded), linear, rtol=0, atol=1e-7)
    assert torch.allclose(to_encoded(linear), encoded, rtol=0, atol=1e-6)
    assert max(to_linear(torch.zeros(1)).abs(), to_encoded(torch.zeros(1)).abs()) < 1e-7
