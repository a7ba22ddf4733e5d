"""What 03_training is asked to do: network, recipe and device, all of it in the params."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Settings"]


class Settings(BaseModel):
    """Frozen; unknown keys are refused. The defaults are the study's network and recipe (STUDY, "Image
    model").

    With the same settings, seed, data and `cpu_threads` a CPU gives the same predictions bit for bit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    backbone: str = Field(default="resnet50", description="any torchvision classification network by name")
    weights: str = Field(
        default="imagenet",
        min_length=1,
        description="imagenet (torchvision loads them), none, or the path of a state dict file",
    )
    shared_trunks: bool = Field(default=False, description="one trunk for all views; the study has one per view")
    image_size_px: int = Field(default=512, ge=16, le=2048)
    recipe: Literal["study"] = "study"
    epochs: int = Field(default=25, ge=1)
    batch_size: int = Field(default=4, ge=1, description="studies per step")
    learning_rate: float = Field(default=1e-4, gt=0)
    step_epochs: int = Field(default=7, ge=1, description="epochs between two falls of the learning rate")
    step_factor: float = Field(default=0.1, gt=0, le=1)
    weight_decay: float = Field(default=0.01, ge=0)
    flip_share: float = Field(default=0.5, ge=0, le=1, description="share of images mirrored left to right")
    rotation_degrees: float = Field(default=30.0, ge=0, le=180, description="largest rotation to either side")
    min_positives: int = Field(
        default=5, ge=1, description="positives in validation that a finding needs to help choose the epoch"
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = Field(default="auto", description="auto: bf16 on a GPU, fp32 on a CPU")
    cpu_threads: int = Field(default=1, ge=1, description="results on a CPU depend on it; the same bits need the same")
    checkpoint_every: int = Field(
        default=1, ge=0, description="epochs between resume points on disk; 0 = a killed training starts again"
    )
