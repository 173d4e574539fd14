"""Cases of convolutions, pools and normalisation."""

from __future__ import annotations

from tests.gradcheck import spaced
from tests.vjps.cases import case, node, positive, window

# Each row: input size, kernel, strides, pads, dilations, groups. Between them: no padding, `same`
# with even kernels (the extra cell behind), strides beyond the kernel, columns that no window
# reaches with and without padding behind, kernels as large as the image, and dilation with all.
CONVS = [
    ((5, 6), (3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    ((5, 6), (3, 2), (1, 1), (1, 0, 1, 1), (1, 1), 1),
    ((6, 7), (2, 3), (2, 2), (0, 1, 0, 1), (1, 1), 1),
    ((7, 5), (2, 2), (3, 3), (0, 0, 0, 0), (1, 1), 1),
    ((7, 8), (3, 3), (2, 3), (0, 0, 0, 0), (1, 1), 1),
    ((6, 6), (3, 3), (2, 2), (0, 0, 1, 1), (1, 1), 1),
    ((6, 6), (1, 1), (2, 2), (0, 0, 0, 0), (1, 1), 1),
    ((6, 6), (1, 1), (3, 3), (0, 0, 1, 1), (1, 1), 1),
    ((7, 6), (2, 2), (1, 1), (1, 1, 1, 1), (2, 2), 1),
    ((8, 9), (3, 2), (2, 2), (2, 0, 1, 1), (2, 3), 1),
    ((4, 4), (4, 4), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    ((4, 4), (2, 2), (5, 5), (0, 0, 0, 0), (1, 1), 1),
    ((5, 5), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2),
    ((6, 5), (2, 3), (2, 1), (1, 0, 0, 1), (1, 2), 2),
    ((5, 5), (3, 3), (2, 2), (0, 0, 0, 0), (1, 1), 4),
    ((7,), (3,), (2,), (2, 0), (2,), 2),
    ((8,), (2,), (3,), (0, 0), (1,), 1),
    ((4, 3, 5), (2, 2, 3), (1, 2, 2), (0, 1, 1, 1, 0, 1), (1, 1, 1), 1),
    ((4, 4, 3), (2, 1, 2), (2, 1, 1), (0, 0, 0, 0, 0, 0), (1, 1, 2), 2),
]
for size, kernel, strides, pads, dilations, groups in CONVS:
    parts = (size, kernel, strides, pads, dilations, [groups])
    name = "_".join("".join(map(str, v)) for v in parts)
    attrs = window(kernel, strides, pads, dilations, group=groups)
    x, w = spaced(2, 4, *size, gap=0.03), spaced(4, 4 // groups, *kernel, seed=1)
    case("Conv", name, node("Conv", **attrs), x, w, spaced(4), batch=[0])
case("Conv", "no-bias", node("Conv", **window((2, 2), group=1)), spaced(2, 1, 3, 3),
     spaced(1, 1, 2, 2))  # fmt: skip
case("Conv", "multiplier", node("Conv", **window((2, 2), group=2)), spaced(2, 2, 3, 4),
     spaced(6, 1, 2, 2), batch=[0])  # fmt: skip

# Input size, kernel, strides, pads, dilations, output padding, groups.
TRANSPOSES = [
    ((3, 4), (3, 3), (1, 1), (0, 0, 0, 0), (1, 1), (0, 0), 1),
    ((3, 4), (3, 2), (2, 2), (1, 0, 0, 1), (1, 1), (0, 0), 1),
    ((3, 3), (2, 2), (3, 3), (0, 0, 0, 0), (1, 1), (1, 2), 1),
    ((3, 3), (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), (1, 0), 2),
    ((3, 2), (2, 3), (2, 1), (1, 1, 0, 1), (2, 2), (1, 0), 1),
    ((4,), (3,), (2,), (0, 1), (2,), (1,), 4),
    ((2, 3, 2), (2, 2, 1), (2, 1, 1), (0, 1, 0, 0, 0, 0), (1, 2, 1), (1, 0, 0), 2),
]
for size, kernel, strides, pads, dilations, extra, groups in TRANSPOSES:
    parts = (size, kernel, strides, pads, dilations, extra, [groups])
    name = "_".join("".join(map(str, v)) for v in parts)
    attrs = window(kernel, strides, pads, dilations, group=groups, output_padding=extra)
    x, w = spaced(2, 4, *size, gap=0.03), spaced(4, 2, *kernel, seed=1)
    case("ConvTranspose", name, node("ConvTranspose", **attrs), x, w, spaced(2 * groups),
         batch=[0])  # fmt: skip

# Input size, kernel, strides, pads.
POOLS = [
    ((4, 6), (2, 2), (2, 2), (0, 0, 0, 0)),
    ((5, 7), (2, 2), (2, 2), (0, 0, 0, 0)),
    ((5, 5), (3, 3), (1, 1), (0, 0, 0, 0)),
    ((5, 6), (3, 3), (2, 2), (1, 0, 1, 1)),
    ((7, 6), (2, 1), (3, 4), (0, 0, 0, 0)),
    ((5, 5), (2, 2), (2, 2), (0, 0, 1, 1)),
    ((5, 4), (3, 2), (1, 2), (1, 1, 1, 0)),
    ((4, 4), (1, 1), (2, 2), (0, 0, 0, 0)),
    ((3, 3), (3, 3), (3, 3), (0, 0, 0, 0)),
    ((7,), (3,), (2,), (1, 1)),
    ((4, 3, 5), (2, 2, 2), (2, 1, 2), (0, 1, 0, 0, 0, 1)),
]
for op, more in (("MaxPool", {}), ("AveragePool", {"count_include_pad": 0})):
    for size, kernel, strides, pads in POOLS:
        name = "_".join("".join(map(str, v)) for v in (size, kernel, strides, pads))
        attrs = window(kernel, strides, pads, ceil_mode=0, **more)
        del attrs["dilations"]
        case(op, name, node(op, **attrs), spaced(2, 3, *size), batch=[0])
attrs = window((2, 2), (2, 2), (1, 0, 0, 1), ceil_mode=0, count_include_pad=1)
del attrs["dilations"]
case("AveragePool", "counting-pads", node("AveragePool", **attrs), spaced(2, 1, 4, 4), batch=[0])
case("GlobalAveragePool", "image", node("GlobalAveragePool"), spaced(2, 3, 4, 3), batch=[0])
case("GlobalAveragePool", "fixed", node("GlobalAveragePool"), spaced(2, 3, 4))

for name, shape in (("image", (3, 2, 4, 2)), ("matrix", (3, 2))):
    inputs = (spaced(*shape), positive(2), spaced(2), spaced(2, seed=1), positive(2, seed=1))
    build = node("BatchNormalization", epsilon=1e-3)
    case("BatchNormalization", name, build, *inputs, batch=[0])
