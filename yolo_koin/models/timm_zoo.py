"""The models of timm by name, and what timm says of each: normalisation, input size, interpolation, and where its weights lie."""

from __future__ import annotations

import difflib
from typing import Any

from yolo_koin.errors import UsageError
from yolo_koin.models.peers import check_installed

PREFIX = "timm:"
ENDING = ".safetensors"
TITLES = {  # offered by name: the paper's models, then newer ones; any other model of timm goes by its own name
    "tf_efficientnet_lite0": "EfficientNet-Lite0",
    "resnet101": "ResNet101",
    "densenet121": "DenseNet121",
    "efficientnet_b2": "EfficientNet-B2",
    "resnetv2_50x1_bit.goog_in21k": "BiT-M-R50",
    "resnetv2_101x1_bit.goog_in21k": "BiT-M-R101",
    "resnet50_clip.openai": "CLIP-RN50",
    "resnet101_clip.openai": "CLIP-RN101",
    "vit_base_patch32_clip_224.openai": "CLIP-ViT-B/32",
    "vit_large_patch14_clip_224.openai": "CLIP-ViT-L/14",
    "vit_large_patch14_clip_336.openai": "CLIP-ViT-L/14@336px",
    "convnext_tiny": "ConvNeXt-T",
    "convnext_base": "ConvNeXt-B",
    "vit_small_patch16_224": "ViT-S/16",
    "vit_base_patch16_224": "ViT-B/16",
    "vit_small_patch14_dinov2.lvd142m": "DINOv2-S/14",
    "vit_base_patch14_dinov2.lvd142m": "DINOv2-B/14",
    "vit_small_patch16_dinov3.lvd1689m": "DINOv3-S/16",
    "vit_base_patch16_dinov3.lvd1689m": "DINOv3-B/16",
}
INPUTS = {"dinov2": 224}  # px, in place of timm's: its 518 are for dense tasks; the paper classifies at 224
ATTENTIVE = ("vit_", "eva", "beit", "deit", "swin", "cait", "xcit", "maxvit")  # architectures that are tuned at a lower rate


def offered() -> tuple[str, ...]:
    """The names that are offered."""
    return tuple(PREFIX + name for name in TITLES)


def title(model: str) -> str:
    """A model's name for people."""
    name = model.removeprefix(PREFIX)
    return TITLES.get(name, name)


def knows(model: str) -> bool:
    """Whether a model is one of timm.

    Raises:
        UsageError: it should be, but timm has no such model, or is not installed.
    """
    if not model.startswith(PREFIX):
        return False
    check_installed(model, "timm")
    name = model.removeprefix(PREFIX)
    if name in TITLES:
        return True  # timm itself takes seconds to import
    import timm

    tagged = timm.list_pretrained()
    if timm.is_model(name) and ("." not in name or name in tagged):
        return True
    near = difflib.get_close_matches(name, {*TITLES, *timm.list_models(), *tagged}, n=3, cutoff=0.6) or list(TITLES)[:3]
    raise UsageError("timm has no such model", model, f"Near names are {', '.join(PREFIX + one for one in near)}.")


def config(model: str) -> Any:
    """What timm says of a model, as its ``PretrainedCfg``."""
    import timm

    return timm.models.get_pretrained_cfg(model.removeprefix(PREFIX))


def input_side(model: str) -> int:
    """The side of a model's input, in pixels."""
    own = [side for word, side in INPUTS.items() if word in model]
    return own[0] if own else int(config(model).input_size[-1])


def is_attentive(model: str) -> bool:
    """Whether a model is a transformer."""
    return model.removeprefix(PREFIX).startswith(ATTENTIVE)


def gives_embeddings(model: str) -> bool:
    """Whether the head of a model's official weights gives an embedding that is compared, as CLIP's does, and no classes."""
    about = config(model)
    return "_clip" in about.architecture and "ft_" not in about.tag
