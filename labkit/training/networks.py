"""The study's networks: a trunk per view, their features side by side, one linear layer; used by 03_training.

Any torchvision classification network serves as trunk. Radiographs go in as grey in [0, 1]; the three
channels and the ImageNet mean and deviation are applied inside, so that a saved network needs no preparation
but the cache's.
"""

from pathlib import Path

import torch
import torchvision
from torch import nn

from labkit.errors import TrainingError

__all__ = ["MultiView", "build"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
CHANNELS_LAST_FROM_PX = 128  # pays from here up and hurts below, measured on a CPU with bf16


class MultiView(nn.Module):
    """Trunks (one per view, or one shared), features concatenated, one linear layer.

    forward : (studies, views, rows, columns) grey in [0, 1] to (studies, findings) logits.
    """

    def __init__(self, trunks, *, n_features, n_views, n_findings):
        super().__init__()
        self.trunks = nn.ModuleList(trunks)
        self.head = nn.Linear(n_features * n_views, n_findings)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1), persistent=False)

    def features(self, images):
        """(studies, views, rows, columns) to (studies, views * n_features)."""
        found = []
        for view in range(images.shape[1]):
            coloured = (images[:, view, None] - self.mean) / self.deviation  # (studies, 3, rows, columns)
            if images.shape[-1] >= CHANNELS_LAST_FROM_PX:
                coloured = coloured.contiguous(memory_format=torch.channels_last)
            found.append(self.trunks[view % len(self.trunks)](coloured))
        return torch.cat(found, dim=1)

    def forward(self, images):
        return self.head(self.features(images))


def build(*, n_views, n_findings, backbone="resnet50", weights="none", shared_trunks=False):
    """A network for studies of `n_views` radiographs; randomness from torch's current generator.

    Parameters
    ----------
    weights : "imagenet" (torchvision's first set for the network, from its cache or the network), "none", or
        the path of a file
        with torchvision's state dict of the same network.

    Raises
    ------
    TrainingError : unknown network, weights that cannot be fetched, or a file that does not fit.
    """
    if backbone not in torchvision.models.list_models(module=torchvision.models):
        near = [name for name in torchvision.models.list_models(module=torchvision.models) if name[:6] == backbone[:6]]
        raise TrainingError(
            f"backbone '{backbone}' is not known to torchvision; near it are {', '.join(near) or 'none'}, "
            "default resnet50."
        )
    state = _state(backbone, weights)
    trunks = [_trunk(backbone, state) for _ in range(1 if shared_trunks else n_views)]
    return MultiView([trunk for trunk, _ in trunks], n_features=trunks[0][1], n_views=n_views, n_findings=n_findings)


def _trunk(backbone, state):
    """A torchvision network without its last linear layer, and the number of its features."""
    network = torchvision.models.get_model(backbone, weights=None)
    linear = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.Linear)]
    if not linear:
        raise TrainingError(f"backbone '{backbone}' does not end in a linear layer; choose another, such as resnet50.")
    name, last = linear[-1]
    parent, _, child = name.rpartition(".")
    setattr(network.get_submodule(parent), child, nn.Identity())
    if state is not None:
        _load(network, {key: value for key, value in state.items() if not key.startswith(f"{name}.")}, backbone)
    return network, last.in_features


def _load(network, state, backbone):
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        ours = network.state_dict()
        wrong = sorted(set(ours) ^ set(state)) or [k for k in ours if ours[k].shape != state[k].shape]
        raise TrainingError(
            f"weights: {len(wrong)} entries do not fit {backbone}, first '{wrong[0]}'. Give the state dict "
            "of torchvision's "
            f"{backbone}, or weights: none."
        ) from error


def _state(backbone, weights):
    if weights == "none":
        return None
    if weights == "imagenet":
        return _imagenet(backbone)
    path = Path(weights)
    if not path.is_file():
        raise TrainingError(f"weights '{path.name}': no such file; allowed are imagenet, none or the path of a file.")
    try:
        # weights_only: a checkpoint from elsewhere must not run code
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch names no single family for damaged files
        raise TrainingError(
            f"weights '{path.name}': this is no file of tensors; save torchvision's state dict with torch.save."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise TrainingError(f"weights '{path.name}': a dict of tensors is needed; save model.state_dict().")
    return state


def _imagenet(backbone):
    # the first set (IMAGENET1K_V1) is the one of the time of the study's kind of code
    choice = next(iter(torchvision.models.get_model_weights(backbone)))
    try:
        return choice.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong hash a RuntimeError
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise TrainingError(
            f"ImageNet weights of {backbone} could not be fetched. On a machine without network copy "
            f"{Path(choice.url).name} into the folder {folder.parent.name}/{folder.name} of torch's cache, "
            "give its path as "
            "weights, or set weights: none."
        ) from error
