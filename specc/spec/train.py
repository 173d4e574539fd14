"""The `train:` section: loss, optimizer, metrics and the loop's numbers."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from specc.callbacks import Callback
from specc.data.batches import Shuffle
from specc.losses import Loss
from specc.metrics import Metric
from specc.optimizers import AnyOptimizer, RMSprop

# For the only output, or for each: in their order, or by name.
Metrics: TypeAlias = list[Metric] | list[list[Metric]] | dict[str, list[Metric]]
# Seeds are words of 64 bits with room for an epoch's number.
MAX_SEED = 2**63 - 1


class TrainSpec(BaseModel):
    """How the model is trained. Names and defaults are those of Keras' `compile` and `fit`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    loss: Loss | list[Loss | None] | dict[str, Loss] | None = None
    """One loss, or one for each output: a list in their order, or a mapping by output name."""

    loss_weights: list[float] | dict[str, float] | None = None
    """Factors of the outputs' losses in the total; 1 by default."""

    optimizer: AnyOptimizer = RMSprop()
    """The update rule."""

    metrics: Metrics = []
    """Metrics of the only output, or of each output."""

    weighted_metrics: Metrics = []
    """Metrics that weigh samples as the loss does, by sample weights and class weights."""

    epochs: Annotated[int, Field(ge=0)] = 1
    """Passes over the training data."""

    batch_size: Annotated[int, Field(ge=1)] = 32
    """Samples in one step; the last one of an epoch may be smaller."""

    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0
    """Decides everything random: initial weights, shuffling, dropout."""

    shuffle: Shuffle = True
    """Whether each epoch sees the samples in a new order; `batch`: batches of neighbours in a new
    order, for files on disks that are slow to seek."""

    validation_split: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the training data, taken from its end, kept for validation."""

    validation_freq: (
        Annotated[int, Field(ge=1)] | Annotated[list[PositiveInt], Field(min_length=1)]
    ) = 1
    """Epochs from one validation to the next; or a list of the epochs, from 1, that have one."""

    class_weight: dict[int, float] | Literal["balanced"] | None = None
    """Weight of each class in the loss, 1 where none is given; `balanced`: each class counts the
    same, by its number of samples that are trained on."""

    steps_per_epoch: Annotated[int, Field(ge=1)] | None = None
    """Most steps of an epoch; the next one goes on where it ended. All samples by default."""

    freeze: list[str] = []
    """Layers that are not trained, by name: `conv*`, `encoder/*` for a sub-model's."""

    callbacks: list[Callback] = []
    """What happens at the ends of epochs: `early_stopping`, `reduce_lr_on_plateau`, ..."""
