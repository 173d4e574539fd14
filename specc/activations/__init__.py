"""Activation functions by Keras' names, with values for their parameters where a spec gives some.

Source of formulas and defaults: keras/src/activations/activations.py and
keras/src/backend/numpy/nn.py (3.15.1).
"""

from specc.activations.chosen import Choice as Choice
from specc.activations.chosen import Chosen as Chosen
from specc.activations.chosen import apply as apply
from specc.activations.chosen import canonical as canonical
from specc.activations.chosen import choose as choose
from specc.activations.chosen import get as get
from specc.activations.chosen import keywords as keywords
from specc.activations.chosen import output_shape as output_shape
from specc.activations.chosen import parameters as parameters
from specc.activations.functions import SELU_ALPHA as SELU_ALPHA
from specc.activations.functions import SELU_SCALE as SELU_SCALE
from specc.activations.functions import celu as celu
from specc.activations.functions import elu as elu
from specc.activations.functions import gelu as gelu
from specc.activations.functions import glu as glu
from specc.activations.functions import hard_shrink as hard_shrink
from specc.activations.functions import leaky_relu as leaky_relu
from specc.activations.functions import relu as relu
from specc.activations.functions import soft_shrink as soft_shrink
from specc.activations.functions import softmax as softmax
from specc.activations.functions import sparsemax as sparsemax
from specc.activations.functions import squareplus as squareplus
from specc.activations.functions import threshold as threshold
from specc.activations.registry import Activation as Activation
from specc.activations.registry import activation as activation
from specc.activations.registry import names as names
from specc.activations.registry import registered as registered
