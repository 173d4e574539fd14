"""Weights in the files of Keras: `.keras` archives are read."""

from specc.keras_files.reading import keras_weights as keras_weights
from specc.keras_files.reading import read_weights as read_weights
