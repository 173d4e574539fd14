"""onnxruntime's own operators on images in blocks of channels, where a target is allowed them.

An image lies as [N, C / b, H, W, b], b channels of a pixel together: one vector register of the
processor. onnxruntime rewrites inference graphs to this form by itself (its `NchwcTransformer`);
graphs whose weights change it leaves alone. So these rules write the operators themselves, and
the gradients as more of the same operators (docs/performance.md, Internal operators).

The number of samples must be known: the gradient of a kernel is a convolution with a group for
each sample.

From below: `nchwc` writes single operators, `images` and `kernels` say how images and weights come
into blocks and back; `columns` and `phases` are the gradients of kernels and, where windows stride,
of images. On these stand the rules: `conv`, `normalization` with what joins it, `movement` for
pools, pads and sums. `expansion` takes a convolution and its normalisation together, and `plan`
says which tensors are taken together at all.
"""

from specc.targets.internal.plan import plan as plan
from specc.targets.internal.rules import INTERNAL as INTERNAL
