"""The arguments of Keras' compile."""

import pytest

from specc.errors import SpecError
from specc.keras_import import from_keras
from specc.losses import Loss
from specc.metrics import Metric
from specc.optimizers import Optimizer
from tests.golden import app

CONFIG = app("digits_cnn")["config.json"]


def train(**compile_config):
    return from_keras(CONFIG, compile_config).train


def saved(module, class_name, **config):
    return {"module": f"keras.{module}", "class_name": class_name, "config": config}


def test_serialised_objects():
    made = train(
        optimizer=saved(
            "optimizers",
            "SGD",
            name="sgd",
            learning_rate=0.10000000149011612,
            momentum=0.9,
            nesterov=True,
            loss_scale_factor=None,
            clipnorm=0.5,
        ),
        loss=saved(
            "losses",
            "CategoricalCrossentropy",
            name="categorical_crossentropy",
            from_logits=True,
            label_smoothing=0.1,
            axis=-1,
        ),
        loss_weights=[0.5],
        metrics=["accuracy", saved("metrics", "TopKCategoricalAccuracy", name="top", k=2)],
        weighted_metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile=False,
    )
    assert made.optimizer == Optimizer.parse(
        {"sgd": {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "clipnorm": 0.5}}
    )
    assert made.loss == Loss.parse(
        {"categorical_crossentropy": {"from_logits": True, "label_smoothing": 0.1}}
    )
    assert made.loss_weights == [0.5]
    assert made.metrics == [
        Metric.parse("accuracy"),
        Metric.parse({"top_k_categorical_accuracy": {"k": 2, "name": "top"}}),
    ]


def test_schedules():
    made = train(
        loss="mse",
        optimizer=saved(
            "optimizers",
            "RMSprop",
            learning_rate=saved(
                "optimizers.schedules",
                "PolynomialDecay",
                initial_learning_rate=0.1,
                decay_steps=6,
                end_learning_rate=0.01,
                power=1.0,
                cycle=False,
                name="PolynomialDecay",
            ),
        ),
    )
    assert made.optimizer == Optimizer.parse(
        {
            "rmsprop": {
                "learning_rate": {
                    "polynomial_decay": {
                        "initial_learning_rate": 0.1,
                        "decay_steps": 6,
                        "end_learning_rate": 0.01,
                    }
                }
            }
        }
    )


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("mse", "mean_squared_error"),
        ("KLDivergence", "kl_divergence"),
        ("MSE", "mean_squared_error"),
    ],
)
def test_names_of_losses(name, key):
    assert train(loss=name).loss == Loss.parse(key)


@pytest.mark.parametrize(
    ("name", "key"), [("adam", "adam"), ("RMSprop", "rmsprop"), ("rm_sprop", "rmsprop")]
)
def test_names_of_optimizers(name, key):
    assert train(loss="mse", optimizer=name).optimizer == Optimizer.parse(key)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("AUC", "auc"),
        ("MSE", "mean_squared_error"),
        ("mse", "mean_squared_error"),
        ("R2Score", "r2_score"),
        ("Accuracy", "accuracy"),
        ("ACC", "accuracy"),
    ],
)
def test_logs_call_a_metric_as_its_name_is_written(name: str, key: str) -> None:
    # Oracle: keras/src/trainers/compile_utils.py, get_metric: `metric_obj.name = identifier`, and
    # the letters of "accuracy" may have any size.
    (metric,) = train(loss="mse", metrics=[name]).metrics
    assert (metric.key, metric.log_name) == (key, name)
    assert Metric.parse(metric.written()) == metric


def test_keras_class_accuracy_is_exact_equality():
    """Oracle: keras.metrics.Accuracy counts equal values, the name "accuracy" picks by shape."""
    made = train(loss="mse", metrics=[saved("metrics", "Accuracy", name="accuracy")])
    assert made.metrics[0].key == "exact_accuracy"


def test_metrics_by_output():
    lists = train(loss="mse", metrics=[["mae", "mse"]])
    assert lists.metrics == [[Metric.parse("mae"), Metric.parse("mse")]]
    assert train(loss="mse", metrics=[["mae"], None]).metrics == [[Metric.parse("mae")], []]
    named = train(loss={"dense_1": "mse"}, metrics={"dense_1": "mae"}, loss_weights={"dense_1": 2})
    assert named.loss == {"dense_1": Loss.parse("mse")}
    assert named.metrics == {"dense_1": [Metric.parse("mae")]}
    assert train(loss=["mse", None], loss_weights=0.5).loss_weights == [0.5]


def test_what_the_configuration_itself_holds():
    config = {**CONFIG, "compile_config": {"loss": "mae", "optimizer": "adam"}}
    assert from_keras(config).train.loss == Loss.parse("mae")
    assert from_keras(config, {"loss": "mse"}).train.loss == Loss.parse("mse")
    assert from_keras(config, {}).train is None
    assert from_keras(CONFIG).train is None


def test_everything_that_cannot_be_expressed_is_told_at_once():
    with pytest.raises(SpecError) as error:
        train(
            loss=["mse", saved("losses", "Mine")],
            optimizer=saved("optimizers", "SGD", learning_rate=saved("mine", "Odd")),
            metrics=["speed"],
            weighted_metrics=[["mae"], ["slowness"]],
            loss_weights="all",
        )
    paths = {problem.path.split("[float]")[0] for problem in error.value.problems}
    assert paths >= {
        "compile.loss[1]",
        "compile.metrics[0]",
        "compile.optimizer.learning_rate",
        "compile.weighted_metrics[1][0]",
    }
    with pytest.raises(SpecError, match=r"compile\.loss_weights"):
        train(loss="mse", loss_weights="all")
