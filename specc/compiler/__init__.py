"""From a spec to ONNX programs."""
