"""Estimators with scikit-learn's interface: in pipelines, searches and cross-validation.

    from specc.sklearn import SpecClassifier

    SpecClassifier("digits.yaml", epochs=5).fit(x, y).score(x, y)

The extra `sklearn` brings what this needs; nothing else in specc imports it.
"""

from importlib.util import find_spec

if find_spec("sklearn") is None:
    raise ImportError(
        "specc.sklearn: expected scikit-learn, found it not installed;"
        " install it with the extra: pip install 'specc[sklearn]'"
    )

from specc.sklearn.estimators import SpecClassifier as SpecClassifier
from specc.sklearn.estimators import SpecRegressor as SpecRegressor
from specc.sklearn.mlp import SpecMLPClassifier as SpecMLPClassifier

__all__ = ["SpecClassifier", "SpecMLPClassifier", "SpecRegressor"]
