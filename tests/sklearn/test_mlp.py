"""`SpecClassifier.mlp` against scikit-learn's MLPClassifier: the same numbers, step by step."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from specc.errors import DataError
from specc.sklearn import SpecClassifier, SpecMLPClassifier

# Every way in which a loop may differ; 137 is no multiple of any batch.
CASES = {
    "adam": {},
    "adam in small batches": {"batch_size": 50, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-6},
    "a strong penalty": {"alpha": 1.0, "activation": "tanh", "batch_size": 40},
    "logistic": {"activation": "logistic", "hidden_layer_sizes": (20, 10)},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05},
    "plain momentum": {
        "solver": "sgd", "momentum": 0.5, "nesterovs_momentum": False, "activation": "identity",
    },
    "no momentum": {"solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.1},
    "invscaling": {
        "solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.3, "power_t": 0.3,
    },
    "adaptive": {
        "solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.2, "tol": 0.02,
        "n_iter_no_change": 1, "max_iter": 60,
    },
    "stopping early": {
        "early_stopping": True, "n_iter_no_change": 3, "learning_rate_init": 0.01, "max_iter": 80,
    },
    "stopping by the loss": {"tol": 0.05, "n_iter_no_change": 2, "learning_rate_init": 0.01},
    "in order": {"shuffle": False, "batch_size": 64, "hidden_layer_sizes": 30},
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    """Ten classes, and two."""
    digits, cancer = load_digits(), load_breast_cancer()
    scaled = (cancer.data - cancer.data.mean(0)) / cancer.data.std(0)
    return {
        "ten": ((digits.data[:337] / 16).astype(np.float32), digits.target[:337]),
        "two": (scaled[:237].astype(np.float32), cancer.target_names[cancer.target[:237]]),
    }


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("case", "classes"),
    [
        *((case, "ten") for case in CASES),
        ("adam", "two"),
        ("sgd", "two"),
        ("stopping early", "two"),
    ],
)
def test_losses_are_those_of_scikit_learn(case, classes, data):
    """Oracle: MLPClassifier in float32; both round, so losses agree to about five digits."""
    parameters = {"max_iter": 15, "random_state": 3} | CASES[case]
    x, y = data[classes]
    theirs = MLPClassifier(**parameters).fit(x, y)
    ours = SpecClassifier.mlp(**parameters).fit(x, y)
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(ours.loss_curve_[:5], theirs.loss_curve_[:5], rtol=2e-5)
    for mine, other in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_,
                           strict=True):  # fmt: skip
        np.testing.assert_allclose(mine, other, rtol=0.05, atol=5e-3)
    assert (ours.predict(x) == theirs.predict(x)).mean() > 0.99
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=5e-3)
    if theirs.early_stopping:
        np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, atol=1e-6)
        assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_)
        assert ours.best_loss_ is None
    else:
        assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=1e-3)
        assert ours.validation_scores_ is None
        assert ours.best_validation_score_ is None
    assert ours.out_activation_ == theirs.out_activation_
    assert ours.loss_ == ours.loss_curve_[-1]


def test_parameters_and_defaults_are_those_of_scikit_learn():
    def defaults(kind):
        return {k: p.default for k, p in inspect.signature(kind).parameters.items()}

    assert defaults(SpecMLPClassifier) == defaults(MLPClassifier)
    assert SpecClassifier.mlp((5, 4), alpha=0.5).get_params()["hidden_layer_sizes"] == (5, 4)


def test_a_warm_start_goes_on(data):
    x, y = data["ten"]
    parameters = {"max_iter": 3, "random_state": 1, "warm_start": True, "solver": "sgd"}
    theirs, ours = MLPClassifier(**parameters), SpecClassifier.mlp(**parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(2):
            theirs.fit(x, y)
            ours.fit(x, y)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-4)
    with pytest.raises(ValueError, match="same classes as in the previous call"):
        ours.fit(x[y > 1], y[y > 1])


def test_a_batch_larger_than_the_data_is_clipped_with_a_warning(data):
    x, y = data["two"]
    with pytest.warns(UserWarning, match="going to be clipped"):
        SpecClassifier.mlp(batch_size=999, max_iter=1000, tol=10.0).fit(x, y)


def test_verbose_tells_the_losses(data, capsys):
    x, y = data["two"]
    SpecClassifier.mlp(max_iter=1000, tol=10.0, verbose=True, random_state=0).fit(x, y)
    assert "Iteration 1, loss = 0." in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_is_not_supported_is_told(data):
    x, y = data["two"]
    with pytest.raises(DataError, match="solver: expected adam or sgd, received 'lbfgs'"):
        SpecClassifier.mlp(solver="lbfgs").fit(x, y)
    with pytest.raises(DataError, match="activation: expected one of identity, logistic"):
        SpecClassifier.mlp(activation="gelu").fit(x, y)
    with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0"):
        SpecClassifier.mlp(hidden_layer_sizes=(3, 0)).fit(x, y)
    with pytest.raises(ValueError, match="validation set is too small"):
        SpecClassifier.mlp(early_stopping=True, validation_fraction=0.001).fit(
            x[:40], x[:40, 0] > 9
        )
    with pytest.raises(ValueError, match="non-finite parameter weights"):
        SpecClassifier.mlp(solver="sgd", learning_rate_init=1e30, max_iter=2).fit(x, y)
