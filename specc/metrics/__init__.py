"""Metrics, one class each."""

from specc.metrics.base import Metric as Metric
