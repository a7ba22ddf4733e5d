"""Sentences on the networks: what was trained, how, and on what; from the cards of 03_training; used by 05_figures."""

from typing import Any

from labkit.manuscript.material import Material
from labkit.manuscript.numbers import listed, plural, spelled

__all__ = ["POLICIES", "sentences"]

POLICIES = {
    "inclusive": "inclusive (uncertain as true [@kreutzer2025]; U-Ones of CheXpert [@irvin2019])",
    "exclusive": "exclusive (uncertain as false [@kreutzer2025]; U-Zeros of CheXpert [@irvin2019])",
    "ignore": "ignore (uncertain labels not used; U-Ignore of CheXpert [@irvin2019])",
    "soft": "soft (uncertain as a probability drawn from a range [@pham2021])",
    "graded": "graded (uncertain as a probability that depends on the words of the hedge)",
    "multiclass": "multiclass (uncertain as a class of its own; U-MultiClass of CheXpert [@irvin2019])",
    "self_trained": "self-trained (uncertain as predicted by a network trained without them; U-SelfTrained of CheXpert "
    "[@irvin2019])",
}
RESNETS = {f"resnet{n}": f"ResNet-{n} [@he2016]" for n in (18, 34, 50, 101, 152)}
POOLED = {"mean": "their mean", "max": "their maximum", "attention": "their mean weighted by attention"}
VIEWS = {"AP": "anteroposterior", "PA": "posteroanterior", "LATERAL": "lateral", "OBLIQUE": "oblique"}


def sentences(material: Material) -> dict[str, str]:
    """Sentences on networks and training; empty where no card of a network is at hand."""
    names = ("network", "initial", "input", "output", "augmentation", "optimiser", "loss", "selection", "seeds")
    names += ("computed_on", "ensemble", "policies")
    if not material.cards:
        return dict.fromkeys(names, "") | {"policies": _policies(material)}
    card = material.cards[next(iter(material.cards))]
    recipe = card["recipe"]
    return {
        "network": _network(card),
        "initial": _initial(recipe),
        "input": _input(card),
        "output": f"Each network gave, for a study with all its views, a probability for each of "
        f"{plural(len(card['network']['findings']), 'finding')}.",
        "augmentation": _augmentation(recipe),
        "optimiser": _optimiser(recipe),
        "loss": _loss(material, recipe),
        "selection": _selection(card),
        "policies": _policies(material),
        "seeds": _seeds(material),
        "ensemble": _ensemble(material),
        "computed_on": _computed_on(card),
    }


def _network(card: dict[str, Any]) -> str:
    recipe, views = card["recipe"], card["network"]["views"]
    name = RESNETS.get(recipe["backbone"], recipe["backbone"])
    words = [VIEWS.get(view, view.lower()) for view in views]
    if len(views) == 1:
        return f"The image model was a {name} on the {words[0]} view with one linear layer for all findings."
    trunk = "shared by all views" if recipe["shared_trunks"] else "for each view"
    joined = "set side by side" if recipe["pooling"] == "concatenate" else f"joined by {POOLED[recipe['pooling']]}"
    return (
        f"The image model had a {name} {trunk} ({listed(words)}); the features of the views were {joined} before one "
        "linear layer for all findings."
    )


def _initial(recipe: dict[str, Any]) -> str:
    return {
        "imagenet": "Weights were initialised with those of ImageNet [@deng2009], and all layers were trained.",
        "none": "Weights were initialised at random.",
    }.get(recipe["weights"], "Weights were initialised from a file of earlier weights, and all layers were trained.")


def _input(card: dict[str, Any]) -> str:
    recipe, prepared = card["recipe"], card["data"]["prepared"]
    size = recipe["image_size_px"]
    channels = "three equal channels" if recipe["grey"] == "three_channels" else "one channel"
    cropped = ", cropped to the collimated field" if prepared.get("crop") else ""
    return (
        f"Radiographs were windowed as their headers say{cropped}, scaled to {size} × {size} pixels, given to the "
        f"network as {channels}, and normalised with the mean and standard deviation of ImageNet."
    )


def _augmentation(recipe: dict[str, Any]) -> str:
    parts = []
    if recipe["flip_share"]:
        parts.append(f"horizontal flips ({100 * recipe['flip_share']:g}%)")
    if recipe["rotation_degrees"]:
        parts.append(f"rotations of up to ±{recipe['rotation_degrees']:g}°")
    strong = recipe.get("strong", {})
    shown = {"zoom": "zoom", "shift": "shift", "brightness": "brightness", "contrast": "contrast", "gamma": "gamma"}
    parts += [f"{word} (±{100 * strong[name]:g}%)" for name, word in shown.items() if strong.get(name)]
    if strong.get("erased_share"):
        parts.append(f"erasing of a border region ({100 * strong['erased_share']:g}%)")
    return f"Training images were augmented by {listed(parts)}." if parts else "Training images were not augmented."


def _optimiser(recipe: dict[str, Any]) -> str:
    batch = f"batches of {plural(recipe['batch_size'] * recipe['accumulate'], 'study', 'studies')}"
    most = "up to " if recipe["recipe"] == "strong" else ""
    start = (
        f"Networks were trained for {most}{plural(recipe['epochs'], 'epoch')} in {batch} with AdamW "
        f"[@loshchilov2019] (learning rate {recipe['learning_rate']:g}, weight decay {recipe['weight_decay']:g})"
    )
    if recipe["recipe"] == "study":
        return (
            f"{start}; the learning rate was multiplied by {recipe['step_factor']:g} every "
            f"{plural(recipe['step_epochs'], 'epoch')}."
        )
    strong = recipe["strong"]
    parts = [f"a learning rate of {strong['head_learning_rate']:g} for the new layers"]
    parts.append(f"linear warm-up over {plural(round(strong['warm_up_epochs']), 'epoch')} and cosine decay")
    if strong["clip_norm"]:
        parts.append(f"gradients clipped at a norm of {strong['clip_norm']:g}")
    if strong["ema_decay"]:
        parts.append(f"an exponential moving average of the weights (decay {strong['ema_decay']:g})")
    stop = f"; it stopped after {plural(strong['patience'], 'epoch')} without improvement" if strong["patience"] else ""
    return f"{start}, {listed(parts)}{stop}."


def _loss(material: Material, recipe: dict[str, Any]) -> str:
    weighted = recipe.get("strong", {}).get("positive_weights")
    weights = "with positives weighted by their rarity" if weighted else "without weights for rare findings"
    only = " (cross-entropy over three classes for the policy multiclass)" if "multiclass" in material.policies else ""
    return f"The loss was binary cross-entropy{only}, {weights}."


def _selection(card: dict[str, Any]) -> str:
    least = card["recipe"]["min_positives"]
    if card["result"]["validation_macro_auc"] is None:
        return "The epoch with the lowest loss on the validation set was kept."
    return (
        "The epoch with the highest macro-averaged area under the receiver operating characteristic curve (AUC) on the "
        f"validation set (over findings with at least {plural(least, 'positive')} there) was kept."
    )


def _policies(material: Material) -> str:
    if len(material.policies) == 1:
        return (
            f"Uncertain labels of training and validation were handled by the policy {POLICIES[material.policies[0]]}."
        )
    return (
        f"Uncertain labels of training and validation were handled by {spelled(len(material.policies))} policies: "
        f"{listed([POLICIES[policy] for policy in material.policies])}. Test labels passed no policy."
    )


def _seeds(material: Material) -> str:
    found = {tuple(seeds) for seeds in material.seeds.values()}
    if len(found) != 1:
        return ""
    seeds = next(iter(found))
    if len(seeds) == 1:
        return f"One network was trained{_each(material)} (seed {seeds[0]})."
    return (
        f"{spelled(len(seeds)).capitalize()} networks were trained{_each(material)} (seeds "
        f"{listed(list(map(str, seeds)))})."
    )


def _each(material: Material) -> str:
    return " per policy" if len(material.policies) > 1 else ""


def _ensemble(material: Material) -> str:
    many = any(len(seeds) > 1 for seeds in material.seeds.values())
    return "The score of a study was the mean over seeds on the scale of the logit." if many else ""


def _computed_on(card: dict[str, Any]) -> str:
    means = card["computed_with"]
    device = {"cpu": "processors without a graphics card", "cuda": "a graphics card"}.get(means["device"], "a computer")
    same = "; computations were deterministic" if means.get("deterministic") else ""
    return f"Training ran on {device} in {means['precision']} precision{same}."
