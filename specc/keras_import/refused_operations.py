"""Functions of `keras.ops` that no spec can hold, by the name of Keras' operation."""

from __future__ import annotations

from collections.abc import Mapping

# Reasons, and the operations that have them.
_BY_REASON: Mapping[str, str] = {
    "runs Python functions of its own": (
        "AssociativeScan Cond ForiLoop JVP Map Scan Switch VectorizedMap WhileLoop"
    ),
    "works on complex numbers, which models here do not take": (
        "Angle Conjugate FFT FFT2 IFFT2 IRFFT ISTFT Imag Isreal Polar RFFT Real STFT ViewAsComplex"
        " ViewAsReal"
    ),
    "needs an algorithm on matrices that ONNX has no operator for": (
        "Cholesky CholeskyInverse Det Eig Eigh Inv Logdet Lstsq LuFactor MatrixRank Pinv Qr SVD"
        " Slogdet Solve SolveTriangular"
    ),
    "has a result whose shape depends on values": "Nonzero Unique",
    "mixes the samples of a batch": (
        "AllClose Bincount Corrcoef Diag Diagflat Flipud Histogram Outer SegmentMax SegmentMin"
        " SegmentProd SegmentSum Vander Vdot Vsplit Vstack"
    ),
    "searches over sequences step by step": "CTCDecode",
    "makes a tensor of none; constants stand in fields of the operations that take them": (
        "Arange Array EmptyLike Full Geomspace Linspace Logspace Meshgrid"
    ),
    "tells a shape, which a spec knows: write the number": "Ndim Size",
    "reads the bits of numbers": (
        "BitwiseAnd BitwiseInvert BitwiseLeftShift BitwiseNot BitwiseOr BitwiseRightShift"
        " BitwiseXor LeftShift Nextafter RightShift View"
    ),
    "is a loss; name it in `train:`, or write it in other operations": (
        "BinaryCrossentropy CTCLoss CategoricalCrossentropy PSNR SSIM SparseCategoricalCrossentropy"
    ),
    "takes a kernel as a tensor; write the layer, which owns its kernel": (
        "BatchNorm Conv ConvTranspose DepthwiseConv SeparableConv"
    ),
    "has no kind here; the layer of that name has": "AdaptiveAveragePool AdaptiveMaxPool MultiHot",
    "moves pixels to places that are computed": (
        "AffineTransform ElasticTransform MapCoordinates PerspectiveTransform ScaleAndTranslate"
    ),
    "writes to positions that are computed": "Scatter ScatterUpdate SliceUpdate",
    "has no kind here yet; write it in other operations": (
        "Argpartition Correlate Erfinv Fold GaussianBlur Gcd I0 Kron Lcm Nanargmax"
        " Nanargmin Nanmedian Nanpercentile Nanquantile Rearrange Select Unfold UnravelIndex"
    ),
}
OPERATIONS: Mapping[str, str] = {
    name: why for why, names in _BY_REASON.items() for name in names.split()
}
