"""Networks of open_clip: a tower for pictures and one for texts, trained so that a text lies near what it describes.

The picture tower looks at random crops of the frame, each in the size that it was trained with (as CLIP-guided pictures
are made since Murdock 2021). A file of weights may have open_clip's own ``open_clip_config.json`` next to it, which
describes networks that open_clip has no name for.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.config import NetworkConfig
from pipeline.dream.network import Anatomy, Network
from pipeline.dream.random_crops import random_crops
from pipeline.dream.weights import Weights, find_weights, load_weights
from pipeline.errors import ConfigError, InputError, nearest

try:
    import open_clip
    from huggingface_hub import try_to_load_from_cache
    from open_clip.model import convert_to_custom_text_state_dict
except ModuleNotFoundError as missing:
    advice = "text: targets need the extra text; install it with: pip install open_clip_torch"
    raise ConfigError("network", "open_clip", advice) from missing

CONFIG_FILE, MAX_CONFIG_BYTES = "open_clip_config.json", 100_000
CLEANINGS = ("lower", "whitespace", "canonicalize")  # of texts, by open_clip's own tokenizer
_TOP = {"embed_dim", "quick_gelu", "custom_text", "init_logit_scale", "init_logit_bias", "nonscalar_logit_scale"}
_HUB_FILE = "open_clip_model.safetensors"


class TextNetwork(Network):
    """A network that compares frames with texts. Its only layer is ``logits``: the mean of its crops' embeddings."""

    embeds = True

    def __init__(self, name: str, model: Any, weights: Weights, settings: "Settings", config: NetworkConfig) -> None:
        tower = PictureTower(model.visual, settings.side)
        anatomy = Anatomy(normalisation=settings.normalisation, leaves=(PictureTower,))
        super().__init__(name, nn.Sequential(tower), (), weights, anatomy)
        self._texts, self._tokenizer = model.eval().requires_grad_(False), settings.tokenizer
        self._side, self._crops, self._smallest, self._seed = settings.side, config.crops, config.min_crop, 0

    def draw(self, generator: torch.Generator) -> None:
        """The crops of the next steps are drawn by ``generator``."""
        self._seed = int(torch.randint(2**62, (), generator=generator))

    def activations(self, frame: Tensor, layers: Any, *, exact: bool = False, drawn: bool = False) -> dict[str, Tensor]:
        """As ``Network.activations``, of random crops; ``exact`` always looks at the same ones."""
        crops = random_crops(frame, self._crops, self._side, 0 if exact else self._seed, self._smallest)
        maps = super().activations(crops, layers, exact=exact)
        return {name: embeddings.mean(dim=0, keepdim=True) for name, embeddings in maps.items()}

    def text_embedding(self, words: str, key: str) -> Tensor:
        """The embedding ``(D,)`` of a text, of unit length. Raises ConfigError for one that is too long."""
        count, most = len(self._tokenizer.encode(words)), self._tokenizer.context_length - 2
        if count > most:
            raise ConfigError(key, f"text:{words[:30]}…", f"it has {count} tokens; {self.name} reads {most}")
        with torch.no_grad():
            embedding = self._texts.to(self.device).encode_text(self._tokenizer([words]).to(self.device))
            return F.normalize(embedding[0].float(), dim=0)


class PictureTower(nn.Module):
    """Crops ``(N, 3, h, w)`` → embeddings ``(N, D)`` of unit length."""

    def __init__(self, tower: nn.Module, side: int) -> None:
        super().__init__()
        self.tower, self._size = tower, (side, side)

    def forward(self, crops: Tensor) -> Tensor:
        """Other sizes than the network's own come only when shapes are inferred."""
        if crops.shape[2:] != self._size:
            crops = F.interpolate(crops, size=self._size)
        return F.normalize(self.tower(crops), dim=1)


class Settings:
    """What open_clip's ``config`` of a network says, checked: nothing in it loads another file.

    ``normalisation`` is mean and deviation of red, green and blue, ``side`` that of the pictures in pixels. Raises
    InputError naming ``source``, the file or the network.
    """

    def __init__(self, config: Mapping[str, Any], pictures: Mapping[str, Any], source: str) -> None:
        vision, text = (dict(config.get(key) or {}) for key in ("vision_cfg", "text_cfg"))
        if text.get("hf_tokenizer_name") or text.get("hf_model_name"):
            reason = (
                "it needs texts cut by the library transformers, which is not used here; choose one such as ViT-B-32"
            )
            raise InputError(f"{source}: {reason}")
        known = {"vision_cfg", "text_cfg"} | _TOP
        for table, names in ((config, known), (vision, _names("CLIPVisionCfg")), (text, _names("CLIPTextCfg"))):
            if not set(table) <= names:
                raise InputError(f"{source}: open_clip does not know {', '.join(sorted(set(table) - names))}")
        if set(":/\\") & set(str(vision.get("timm_model_name") or "")):
            raise InputError(
                f"{source}: timm_model_name={vision['timm_model_name']} is not the name of a network of timm"
            )
        options = {key: value for key, value in (text.pop("tokenizer_kwargs", None) or {}).items() if key == "clean"}
        if options.get("clean", "lower") not in CLEANINGS:
            raise InputError(f"{source}: clean={options['clean']} is none of {', '.join(CLEANINGS)}")
        self.is_custom = bool(config.get("custom_text")) or "timm_model_name" in vision
        self.options = {key: config[key] for key in _TOP - {"custom_text"} if key in config}
        self.options |= {"vision_cfg": {**vision, "timm_model_pretrained": False}, "text_cfg": text}
        side = vision.get("image_size", 224)
        self.side = int(side if isinstance(side, int) else max(side))
        usual = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD
        self.normalisation = pictures.get("mean", usual[0]), pictures.get("std", usual[1])
        self.tokenizer = open_clip.SimpleTokenizer(context_length=text.get("context_length", 77), **options)


def build(config: NetworkConfig) -> Network:
    """The network of ``config``, on the CPU, weights loaded.

    ``config.name`` is one of open_clip's, alone or with the tag of its weights: ``ViT-B-32/laion2b_s34b_b79k``. Raises
    ConfigError for an unknown name, InputError for weights that are missing, damaged or of another network.
    """
    name, _, tag = config.name.partition("/")
    config_file = Path(config.weights).with_name(CONFIG_FILE) if config.weights else None
    if config_file is not None and config_file.is_file():
        described = _read(config_file)
        settings = Settings(described["model_cfg"], described.get("preprocess_cfg") or {}, str(config_file))
        weights, source = find_weights(config.name, config.weights, None), str(config_file)
    else:
        published = _published(name, tag, config.weights is not None)
        described = open_clip.get_model_config(name)
        if "quick_gelu" in published:
            described["quick_gelu"] = published["quick_gelu"]
        settings, source = Settings(described, published, f"network.name={config.name}"), f"network.name={config.name}"
        weights = _find_weights(name, config.weights, published)
    model = architecture(settings, source)
    load_weights(model, weights, config.name, lambda state: _convert(state, model))
    return TextNetwork(f"open_clip/{config.name}", model, weights, settings, config)


def architecture(settings: Settings, source: str) -> nn.Module:
    """The network with random weights. Not on the meta device: tables that no file has must be filled."""
    kind = open_clip.CustomTextCLIP if settings.is_custom else open_clip.CLIP
    try:
        with torch.random.fork_rng(devices=[]):
            model: nn.Module = kind(**settings.options)
    except Exception as error:  # a wrong number fails in many ways
        raise InputError(f"{source}: open_clip cannot build this network ({error})") from error
    return model


def _names(kind: str) -> set[str]:
    return {each.name for each in fields(getattr(open_clip, kind))}


def _read(path: Path) -> dict[str, Any]:
    """The table in an ``open_clip_config.json``. Raises InputError."""
    try:
        described = json.loads(path.read_bytes()[:MAX_CONFIG_BYTES])
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error})") from error
    if not isinstance(described, dict) or not isinstance(described.get("model_cfg"), dict):
        raise InputError(f"{path}: it describes no network of open_clip (model_cfg)")
    return described


def _published(name: str, tag: str, has_file: bool) -> dict[str, Any]:
    """What open_clip knows of published weights; {} where they do not matter. Raises ConfigError for unknown names."""
    if name not in open_clip.list_models():
        raise ConfigError(
            "network.name", name, f"open_clip has no such network{nearest(name, open_clip.list_models())}"
        )
    tags = open_clip.list_pretrained_tags_by_model(name)
    if tag and tag not in tags:
        allowed = f"open_clip knows weights of {name} called {', '.join(tags) or 'nothing'}"
        raise ConfigError("network.name", f"{name}/{tag}", allowed)
    if not tags and not has_file:
        raise InputError(f"open_clip publishes no weights for {name}; name a file with network.weights=FILE")
    return dict(open_clip.get_pretrained_cfg(name, tag or tags[0])) if tag or not has_file else {}


def _find_weights(name: str, given: str | None, published: Mapping[str, Any]) -> Weights:
    """The given file, else the published one from the cache of open_clip's host or of torch, else a download."""
    if given is not None:
        return find_weights(name, given, None)
    if not published.get("hf_hub"):
        return find_weights(name, None, published["url"])
    owner, repository, file = published["hf_hub"].split("/", 2)
    hub, file = f"{owner}/{repository}", file or _HUB_FILE
    cached = try_to_load_from_cache(hub, file)
    url = f"https://huggingface.co/{hub}/resolve/main/{file}"
    label = f"{repository}-{Path(file).name}"
    return find_weights(name, cached if isinstance(cached, str) else None, url, label)


def _convert(state: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """The tensors under the names of ``model``, scalars in its shapes."""
    old = "positional_embedding" in state and not hasattr(model, "positional_embedding")
    named = convert_to_custom_text_state_dict(dict(state)) if old else dict(state)
    expected = model.state_dict()
    scalars = ("logit_scale", "logit_bias")
    return {n: t.reshape(expected[n].shape) if n in scalars and n in expected else t for n, t in named.items()}
