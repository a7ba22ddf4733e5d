"""One trunk by name, with its weights: any torchvision classification network, or one of timm's; used by `networks`.

Weights come from torchvision's own loading (its cache, else the network), from a local file, or from nowhere.
"""

import importlib
from pathlib import Path

import torch
import torchvision
from torch import nn

from labkit.errors import TrainingError

__all__ = ["checked", "grey_statistics", "loader", "unfit"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
TIMM = "timm/"


def grey_statistics(grey):
    """Mean and deviation per channel that grey values are normalised by: "three_channels" or "one_channel"."""
    if grey == "three_channels":
        return IMAGENET_MEAN, IMAGENET_DEVIATION
    return (sum(IMAGENET_MEAN) / 3,), (sum(IMAGENET_DEVIATION) / 3,)


def checked(found):
    """Features as they are.

    Raises
    ------
    TrainingError : the network gave something else than (images, features).
    """
    if not isinstance(found, torch.Tensor) or found.ndim != 2:
        raise TrainingError("This backbone gives more than one vector per image; choose another, such as resnet50.")
    return found


def unfit(error, settings, n_studies):
    """A sentence where a backbone's own complaint means that it cannot read such images or batches, else empty."""
    said = str(error)
    if "more than 1 value per channel" in said:
        return f"{n_studies} studies at once are too few for batch normalisation; raise batch_size."
    of_size = ("Kernel size can't be greater", "Output size is too small", "is not divisible by", "input size")
    if isinstance(error, AssertionError) or any(words in said for words in of_size):
        return (
            f"backbone '{settings.backbone}' cannot read images of {settings.image_size_px} px; set image_size_px to "
            "what it is made for, often 224, or choose another, such as resnet50."
        )
    return ""


def loader(backbone, weights):
    """A function from `grey` to (trunk, number of features); weights are read once for all trunks.

    Raises
    ------
    TrainingError : unknown network, or weights that cannot be had.
    """
    make = _timm(backbone) if backbone.startswith(TIMM) else _torchvision(backbone)
    state = _state(backbone, weights)

    def load(grey):
        network, name, n_features = make()
        if state is not None:
            unused = (f"{name}.", "aux1.", "aux2.", "AuxLogits.")
            _load(network, {key: value for key, value in state.items() if not key.startswith(unused)}, backbone)
        if grey == "one_channel":
            _to_one_channel(network, backbone)
        elif state is not None and hasattr(network, "transform_input"):
            network.transform_input = True  # weights of googlenet and inception_v3 expect another normalisation
        return network, n_features

    return load


def _torchvision(backbone):
    known = torchvision.models.list_models(module=torchvision.models)
    if backbone not in known:
        near = [name for name in known if name[:6] == backbone[:6]]
        raise TrainingError(
            f"backbone '{backbone}' is not known to torchvision; near it are {', '.join(near) or 'none'}, "
            "default resnet50."
        )
    # else these two have further outputs for training, and draw their first weights slowly and with a warning
    quiet = {"aux_logits": False, "init_weights": False} if backbone in ("googlenet", "inception_v3") else {}

    def make():
        network = torchvision.models.get_model(backbone, weights=None, **quiet)
        linear = [(n, m) for n, m in network.named_modules() if isinstance(m, nn.Linear)]
        if not linear:
            raise TrainingError(
                f"backbone '{backbone}' does not end in a linear layer; choose another, such as resnet50."
            )
        name, last = linear[-1]
        parent, _, child = name.rpartition(".")
        setattr(network.get_submodule(parent), child, nn.Identity())
        return network, name, last.in_features

    return make


def _timm(backbone):
    try:
        timm = importlib.import_module("timm")
    except ImportError as error:
        raise TrainingError(
            f"backbone '{backbone}' needs the optional package timm; install it, or name a torchvision network such as "
            "resnet50."
        ) from error
    name = backbone.removeprefix(TIMM)
    if name not in timm.list_models():
        near = ", ".join(timm.list_models(f"*{name[:6]}*")[:5]) or "none"
        raise TrainingError(f"backbone '{backbone}' is not known to timm; near it are {near}.")

    def make():
        network = timm.create_model(name, pretrained=False)
        head = network.default_cfg["classifier"]
        network.reset_classifier(0)
        return network, head, network.num_features

    return make


def _to_one_channel(network, backbone):
    """Fold the first layer: the sum of its three channels answers grey as the three together would."""
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d) and layer.in_channels == 3 and layer.groups == 1:
            folded = nn.Conv2d(
                1, layer.out_channels, layer.kernel_size, layer.stride, layer.padding, bias=layer.bias is not None
            )
            with torch.no_grad():
                folded.weight.copy_(layer.weight.sum(dim=1, keepdim=True))
                if layer.bias is not None:
                    folded.bias.copy_(layer.bias)
            parent, _, child = name.rpartition(".")
            setattr(network.get_submodule(parent), child, folded)
            return
    raise TrainingError(f"backbone '{backbone}' has no first layer of three channels; set grey: three_channels.")


def _load(network, state, backbone):
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        ours = network.state_dict()
        wrong = sorted(set(ours) ^ set(state)) or [k for k in ours if ours[k].shape != state[k].shape]
        raise TrainingError(
            f"weights: {len(wrong)} entries do not fit {backbone}, first '{wrong[0]}'. Give the state dict of this "
            "very network, or weights: none."
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
            f"weights '{path.name}': this is no file of tensors; save the network's state dict with torch.save."
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise TrainingError(f"weights '{path.name}': a dict of tensors is needed; save model.state_dict().")
    return state


def _imagenet(backbone):
    if backbone.startswith(TIMM):
        timm = importlib.import_module("timm")
        try:
            return timm.create_model(backbone.removeprefix(TIMM), pretrained=True).state_dict()
        except Exception as error:  # its hub client names no single family
            raise TrainingError(
                f"Weights of {backbone} could not be fetched. On a machine without network give the path of a state "
                "dict as weights, or set weights: none."
            ) from error
    # the first set (IMAGENET1K_V1) is the one of the time of the study's kind of code
    choice = next(iter(torchvision.models.get_model_weights(backbone)))
    try:
        return choice.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong hash a RuntimeError
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise TrainingError(
            f"ImageNet weights of {backbone} could not be fetched. On a machine without network copy "
            f"{Path(choice.url).name} into the folder {folder.parent.name}/{folder.name} of torch's cache, "
            "give its path as weights, or set weights: none."
        ) from error
