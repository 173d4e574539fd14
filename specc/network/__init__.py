"""The resolved model: layers, calls, shapes and weights, without any ONNX."""

from specc.network.build import build as build
from specc.network.graph import Call as Call
from specc.network.graph import Network as Network
from specc.network.graph import Node as Node
from specc.network.graph import NodeWeight as NodeWeight
from specc.network.graph import Ref as Ref
from specc.network.opened import open_spec as open_spec
