"""Losses, one class each."""

from specc.losses.base import Loss as Loss
