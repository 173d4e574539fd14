"""Keras configurations become specs: `from_keras`."""

from specc.keras_import.reader import from_keras as from_keras
