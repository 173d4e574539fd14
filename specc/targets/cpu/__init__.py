"""The CPU target: images lie [C, H, W, N], and a convolution is one Gather and one big Gemm.

onnxruntime's Conv works image by image, which is slow for small images and large batches, and the
textbook gradients of Conv are 2-4 times slower still (docs/performance.md). With the batch
innermost, Gather copies whole rows of N floats, and its adjoint is again a Gather.
"""

from specc.targets.cpu.conv import CPU as CPU
from specc.targets.cpu.fusion import plan as plan
