"""Fashion-MNIST: photographs of clothes in MNIST's format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from specc.data.mnist import MnistFiles


class FashionMnist(MnistFiles):
    """Ten kinds of clothes (Xiao, Rasul, Vollgraf, 2017): 60,000 for training, 10,000 for test.

    Source of names, sizes and checksums: github.com/zalandoresearch/fashion-mnist.
    """

    class_names: ClassVar[tuple[str, ...]] = (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
        "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    )  # fmt: skip
    mirror: ClassVar[str] = (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
    )
    published: ClassVar[Mapping[str, tuple[int, str]]] = {
        "train-images-idx3-ubyte": (
            26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        "train-labels-idx1-ubyte": (
            29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        "t10k-images-idx3-ubyte": (
            4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        "t10k-labels-idx1-ubyte": (
            5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    }  # fmt: skip
