"""What 03_training is asked to do: network, recipe and device, all of it in the params."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

__all__ = ["Settings", "Strong"]

# What changes neither weights nor their choice: a network trained with other values of these is the same one.
NOT_DETERMINING = {"seeds", "soft", "checkpoint_every", "tensorboard", "flips_at_test"}
STUDY_ONLY = {"step_epochs", "step_factor"}


class Strong(BaseModel):
    """The numbers of the recipe `strong`; where each comes from stands in `recipes` and `augmentation`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    head_learning_rate: float = Field(default=1e-3, gt=0, description="of the new layers; learning_rate is the trunk's")
    warm_up_epochs: float = Field(default=1.0, ge=0, description="linear rise of the learning rates")
    final_share: float = Field(default=0.01, ge=0, le=1, description="of the learning rates, at the cosine's end")
    ema_decay: float = Field(default=0.998, ge=0, lt=1, description="of the weights' moving average per step; 0: none")
    clip_norm: float = Field(default=1.0, ge=0, description="largest norm of the gradient; 0: not clipped")
    patience: int = Field(default=10, ge=0, description="epochs without a better macro AUC before it stops; 0: never")
    positive_weights: bool = Field(default=False, description="weigh positives by negatives / positives, at most 10")
    zoom: float = Field(default=0.1, ge=0, lt=1, description="largest change of size to either side")
    shift: float = Field(default=0.05, ge=0, lt=1, description="largest shift, as a share of the side")
    brightness: float = Field(default=0.2, ge=0, lt=1, description="largest change of all grey values, as a share of 1")
    contrast: float = Field(default=0.2, ge=0, lt=1, description="largest change of contrast, as a share")
    gamma: float = Field(default=0.2, ge=0, lt=1, description="largest change of the exponent of grey values")
    erased_share: float = Field(default=0.25, ge=0, le=1, description="share of images with a corner or edge blackened")


class Settings(BaseModel):
    """Frozen; unknown keys are refused. The defaults are the study's network and recipe (STUDY, "Image
    model").

    With the same settings, seed, data and `cpu_threads` a CPU gives the same predictions bit for bit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    backbone: str = Field(
        default="resnet50",
        min_length=1,
        description="any torchvision classification network by name, or timm/NAME with the optional package timm",
    )
    weights: str = Field(
        default="imagenet",
        min_length=1,
        description="imagenet (torchvision loads them), none, or the path of a state dict file",
    )
    shared_trunks: bool = Field(default=False, description="one trunk for all views; the study has one per view")
    pooling: Literal["concatenate", "mean", "max", "attention"] = Field(
        default="concatenate",
        description="how views become one: side by side (the study), or over whatever views there are",
    )
    grey: Literal["three_channels", "one_channel"] = Field(
        default="three_channels", description="grey repeated (the study), or a first layer adapted to one channel"
    )
    image_size_px: int = Field(default=512, ge=16, le=2048)
    recipe: Literal["study", "strong"] = "study"
    strong: Strong = Strong()
    epochs: int = Field(default=25, ge=1)
    batch_size: int = Field(default=4, ge=1, description="studies at once, over all processes")
    accumulate: int = Field(
        default=1, ge=1, description="batches per step: a step sees batch_size x accumulate studies"
    )
    learning_rate: float = Field(default=1e-4, gt=0)
    step_epochs: int = Field(default=7, ge=1, description="study: epochs between two falls of the learning rate")
    step_factor: float = Field(default=0.1, gt=0, le=1)
    weight_decay: float = Field(default=0.01, ge=0)
    flip_share: float = Field(default=0.5, ge=0, le=1, description="share of images mirrored left to right")
    rotation_degrees: float = Field(default=30.0, ge=0, le=180, description="largest rotation to either side")
    flips_at_test: bool = Field(default=False, description="score an image and its mirror image, mean of both logits")
    soft: tuple[float, float] = Field(
        default=(0.55, 0.85),
        description="policy soft: uncertain becomes a probability drawn from this range; one number fixes it",
    )
    min_positives: int = Field(
        default=5, ge=1, description="positives in validation that a finding needs to help choose the epoch"
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        default="auto", description="auto: bf16 (an older one: fp16) on a GPU, fp32 on a CPU"
    )
    channels_last: Literal["auto", "always", "never"] = Field(
        default="auto", description="memory layout; auto: from 128 px up, where it pays"
    )
    compile: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="torch.compile; auto: on a GPU from 5 epochs up, never on a CPU, where it does not pay",
    )
    deterministic: bool = Field(default=True, description="the same bits each time; false is faster on a GPU")
    cpu_threads: int = Field(default=1, ge=1, description="results on a CPU depend on it; the same bits need the same")
    checkpoint_every: int = Field(
        default=1, ge=0, description="epochs between resume points on disk; 0 = a killed training starts again"
    )
    tensorboard: bool = Field(default=False, description="also write a log for the optional package tensorboard")

    @model_validator(mode="after")
    def _rate_reaches_its_height(self):
        if self.recipe == "strong" and self.strong.warm_up_epochs >= self.epochs:
            raise ValueError(
                f"strong.warm_up_epochs is {self.strong.warm_up_epochs:g}, epochs is {self.epochs}; the learning rate "
                "would never reach its height"
            )
        return self

    @field_validator("soft", mode="before")
    @classmethod
    def _one_number_is_a_range(cls, soft):
        return (soft, soft) if isinstance(soft, int | float) and not isinstance(soft, bool) else soft

    @field_validator("soft")
    @classmethod
    def _is_a_range(cls, soft):
        low, high = soft
        if not 0 <= low <= high <= 1:
            raise ValueError("must be two numbers from 0 to 1, the lower one first")
        return soft

    @property
    def images_per_view(self) -> str:
        """ "all" where views are pooled, "first" where each has a fixed place."""
        return "first" if self.pooling == "concatenate" else "all"

    def determining(self) -> dict:
        """What decides the weights, as plain values: settings that this recipe does not read are left out."""
        unread = STUDY_ONLY if self.recipe == "strong" else {"strong"}
        weights = (
            self.weights if self.weights in ("imagenet", "none") else "file"
        )  # whose content counts, not its place
        return self.model_dump(mode="json", exclude=NOT_DETERMINING | unread) | {"weights": weights}
