"""onnxruntime's own operators on images in blocks of channels, where a target is allowed them.

An image lies as [N, C / b, H, W, b], b channels of a pixel together: one vector register of the
processor. onnxruntime rewrites inference graphs to this form by itself (its `NchwcTransformer`);
graphs whose weights change it leaves alone. So these rules write the operators themselves, and
the gradients as more of the same operators (docs/performance.md, Internal operators).

The number of samples must be known: the gradient of a kernel is a convolution with a group for
each sample.
"""

from specc.targets.internal.plan import plan as plan
from specc.targets.internal.rules import INTERNAL as INTERNAL
