"""Models in the files of Keras: weights of `.keras` archives are read, whole models written."""

from specc.keras_files.exporting import export as export
from specc.keras_files.reading import keras_weights as keras_weights
from specc.keras_files.reading import read_weights as read_weights
