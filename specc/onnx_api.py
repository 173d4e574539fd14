"""The one place that touches protobuf: types of single nodes, and whole models as bytes."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from specc.errors import CompileError, InternalError
from specc.tensors import Dim, Dims, DType, Sym

# Two stand-ins for the open batch size: inference runs once with each, and a length that differs
# between them is a multiple of the batch. Primes, so that no product of layer sizes meets them.
PROBES = (6007, 9001)
# The IR version that belongs to an opset (onnx/docs/Versioning.md), so that old runtimes load it.
IR_VERSIONS = {15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11, 24: 11}
PRODUCER = "specc"
ONNX_VERSION: str = onnx.__version__

_TYPES: dict[str, int] = {
    name: helper.np_dtype_to_tensor_dtype(np.dtype(name))
    for name in ("float16", "float32", "float64", "int8", "uint8", "int32", "uint32", "int64",
                 "bool")
}  # fmt: skip
_TYPES["string"] = TensorProto.STRING
_NAMES = {code: name for name, code in _TYPES.items()}


@dataclass(frozen=True, slots=True)
class TensorType:
    """Element type and shape of one graph value."""

    dtype: DType
    shape: Dims


def type_code(dtype: DType) -> int:
    """ONNX's number of an element type, for the `to` attribute of Cast."""
    return _TYPES[dtype]


def infer(
    op: str,
    inputs: Sequence[TensorType | None],
    data: Sequence[np.ndarray[Any, Any] | None],
    attrs: Mapping[str, Any],
    outputs: int,
    opset: int,
) -> tuple[TensorType, ...]:
    """Types of a node's outputs, by ONNX's own rules, the batch kept as a multiple of N.

    `data` gives the values of those inputs that are constants a rule may need (shapes, axes).

    Raises:
        InternalError: ONNX refuses the node, or leaves a length open.
    """
    key = tuple(None if array is None else (array.dtype.str, array.shape, array.tobytes())
                for array in data)  # fmt: skip
    return _infer(op, tuple(inputs), key, _frozen(attrs), outputs, opset)


def _frozen(attrs: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(
        (name, tuple(cast("list[Any]", value)) if isinstance(value, list) else value)
        for name, value in sorted(attrs.items())
    )


@functools.lru_cache(maxsize=65536)
def _infer(
    op: str,
    inputs: tuple[TensorType | None, ...],
    data: tuple[tuple[str, tuple[int, ...], bytes] | None, ...],
    attrs: tuple[tuple[str, Any], ...],
    outputs: int,
    opset: int,
) -> tuple[TensorType, ...]:
    schema = onnx.defs.get_schema(op, opset, "")
    names = [f"i{k}" if t is not None else "" for k, t in enumerate(inputs)]
    node = helper.make_node(op, names, [f"o{k}" for k in range(outputs)], **dict(attrs))
    known = {
        f"i{k}": numpy_helper.from_array(np.frombuffer(d[2], d[0]).reshape(d[1]))
        for k, d in enumerate(data)
        if d is not None
    }
    symbolic = any(isinstance(dim, Sym) for t in inputs if t is not None for dim in t.shape)
    found: list[dict[str, Any]] = []
    for probe in PROBES if symbolic else PROBES[:1]:
        types = {
            f"i{k}": helper.make_tensor_type_proto(
                _TYPES[t.dtype], [d.factor * probe if isinstance(d, Sym) else d for d in t.shape]
            )
            for k, t in enumerate(inputs)
            if t is not None
        }
        try:
            found.append(
                shape_inference.infer_node_outputs(
                    schema, node, types, known, opset_imports=[helper.make_opsetid("", opset)],
                    ir_version=IR_VERSIONS[opset],
                )
            )  # fmt: skip
        except (shape_inference.InferenceError, RuntimeError, TypeError) as error:
            shown = ", ".join("-" if t is None else f"{t.dtype}{t.shape}" for t in inputs)
            raise InternalError(f"{op}({shown}) {dict(attrs)}: {error}") from error
    return tuple(_merge(op, [f[f"o{k}"].tensor_type for f in found]) for k in range(outputs))


def _merge(op: str, types: Sequence[Any]) -> TensorType:
    """One type from those inferred with each probe."""
    if not types[0].HasField("shape"):
        raise InternalError(f"{op}: the rank of an output is not known")
    dims: list[Dim] = []
    for lengths in zip(*(t.shape.dim for t in types), strict=True):
        values = [d.dim_value if d.HasField("dim_value") else None for d in lengths]
        if any(v is None for v in values):
            raise InternalError(f"{op}: an output length is not known")
        sizes = cast("list[int]", values)
        if len(set(sizes)) == 1:
            dims.append(sizes[0])
            continue
        factor, rest = divmod(sizes[0], PROBES[0])
        if rest or factor * PROBES[1] != sizes[1]:
            raise InternalError(f"{op}: length {sizes} is no multiple of the batch {PROBES}")
        dims.append(Sym(factor))
    return TensorType(cast("DType", _NAMES[types[0].elem_type]), tuple(dims))


@dataclass(frozen=True, slots=True)
class NodeDef:
    """One node of a model to write: names only; `op` may begin with a domain and a colon."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attrs: Mapping[str, Any]
    name: str


@dataclass(frozen=True, slots=True)
class ValueDef:
    """A named graph input or output."""

    name: str
    type: TensorType


@dataclass(frozen=True, slots=True)
class BodyDef:
    """The graph that a node repeats."""

    name: str
    nodes: tuple[NodeDef, ...]
    inputs: tuple[ValueDef, ...]
    outputs: tuple[ValueDef, ...]


def build(
    name: str,
    nodes: Sequence[NodeDef],
    inputs: Sequence[ValueDef],
    outputs: Sequence[ValueDef],
    constants: Mapping[str, np.ndarray[Any, Any]],
    opset: int,
    metadata: Mapping[str, str],
) -> bytes:
    """A checked model as bytes; the same arguments always give the same bytes.

    Raises:
        CompileError: the model is larger than protobuf's 2 GiB.
        InternalError: ONNX's checker or its full shape inference refuses the model.
    """
    graph = helper.make_graph(
        [_node(node) for node in nodes],
        name,
        [_value(value) for value in inputs],
        [_value(value) for value in outputs],
        [_constant(k, v) for k, v in constants.items()],
    )  # fmt: skip
    model = helper.make_model(
        graph,
        opset_imports=[
            helper.make_opsetid("", opset),
            *(helper.make_opsetid(domain, 1) for domain in domains(node.op for node in nodes)),
        ],
        ir_version=IR_VERSIONS[opset],
        producer_name=PRODUCER,
    )
    helper.set_model_props(model, dict(metadata))
    size = model.ByteSize()
    if size >= 2**31:
        raise CompileError(
            f"the graph {name!r} takes {size:,} bytes, more than ONNX's 2 GiB in one file;"
            " use a smaller model"
        )
    try:
        # Its annotation has a PathLike without a parameter.
        onnx.checker.check_model(model, full_check=True)  # pyright: ignore[reportUnknownMemberType]
    except (onnx.checker.ValidationError, shape_inference.InferenceError) as error:
        raise InternalError(f"ONNX refuses graph {name!r}: {error}") from error
    return model.SerializeToString(deterministic=True)


def domains(ops: Iterable[str]) -> list[str]:
    """The domains beside ONNX's own that operators `domain:Op` are of; each has one version."""
    return sorted({op.rpartition(":")[0] for op in ops} - {""})


def _constant(name: str, value: np.ndarray[Any, Any]) -> onnx.TensorProto:
    array = value.astype(object) if value.dtype.kind == "U" else value
    return numpy_helper.from_array(np.ascontiguousarray(array) if array.ndim else array, name)


def _node(node: NodeDef) -> onnx.NodeProto:
    attrs: dict[str, Any] = {
        key: _body(value) if isinstance(value, BodyDef) else value
        for key, value in sorted(node.attrs.items())
    }
    domain, _, op = node.op.rpartition(":")
    return helper.make_node(
        op, node.inputs, node.outputs, name=node.name, domain=domain or None, **attrs
    )


def _body(body: BodyDef) -> onnx.GraphProto:
    return helper.make_graph(
        [_node(node) for node in body.nodes],
        body.name,
        [_value(value) for value in body.inputs],
        [_value(value) for value in body.outputs],
    )


def _value(value: ValueDef) -> onnx.ValueInfoProto:
    shape = [str(d) if isinstance(d, Sym) else d for d in value.type.shape]
    return helper.make_tensor_value_info(value.name, _TYPES[value.type.dtype], shape)
