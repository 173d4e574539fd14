"""Targets: how primitives become ONNX ops, and where the elements of a tensor lie.

To add one: rules for the primitives that it does better, on top of another target's table, and an
entry in `targets/target.py`.
"""
