"""The command line's words: what ``--help`` teaches, and Hydra's errors as one sentence each. No torch."""

import re
import sys
from dataclasses import replace
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, OmegaConfBaseException, ValidationError

from pipeline.cli import safe_yaml, sanitize, shot_presets
from pipeline.cli.quoting import APPENDED as APPENDED
from pipeline.cli.quoting import normalise as normalise
from pipeline.cli.sanitize import CONF as CONF
from pipeline.config import RenderConfig, settings, validate
from pipeline.errors import ConfigError, RenderError, nearest
from pipeline.plan import shot_list

REPEAT = "repeat"  # the config of a run that is repeated from its film

USAGE = """\
Renders a hallucinated video and says where it is.

    python -m pipeline.render +preset=fractal_zoom
    python -m pipeline.render +preset=portrait start.path=photo.jpg duration=12s
    python -m pipeline.render score.targets='[class:owl,class:flower]' camera.zoom=1.3
    python -m pipeline.render from=film.mp4 seed=8

Choices (group=choice):

{groups}

Settings (setting=value; [what it is by default]):

{settings}

{words}

python -m pipeline.score with the same settings draws them as a picture before anything is rendered, and with
export=score.json writes them as data.

from=film.mp4 repeats the run of a film, from the record inside it or from its run.yaml: all settings but output and
overwrite are its own, what is typed wins, and files (start.path and its like) have to be named again.
--config-dir=FOLDER adds presets of yours, as FOLDER/preset/mine.yaml.

Also: --cfg job shows the whole configuration and renders nothing; -m renders one film for each value of a list,
as in -m seed=1,2,3: on a machine with several GPUs one on each of them, else one after the other, or jobs=2 at a time.
Exit codes: 0 done, 1 something to put right, 130 stopped.
"""


SCORE_USAGE = """\
Draws the score of a film, every number and target over time, and renders nothing.

    python -m pipeline.score +preset=fractal_zoom
    python -m pipeline.score +preset=bestiary output=score.png export=score.json

output=score.png names the picture (without it score.png in the run's folder under outputs/; of another file's name,
as in output=film.mp4, it makes film.score.png). export=score.json also writes the same as data: fps, frames, lanes (a
value per frame for each number) and targets (their weights, per frame). All other settings are those of
python -m pipeline.render, and the figures are those that it uses.

Choices (group=choice):

{groups}

Settings (setting=value; [what it is by default]):

{settings}

{words}

Exit codes: 0 done, 1 something to put right, 130 stopped.
"""

WORDS = """\
Times are 8s, 1m30s, 96f (frames), 25% (of the film), 4b (beats) or 2bar. All rates are per second.

Targets: stage4 (a layer), stage4:77 (a channel), stage4:77@0.5x0.3 (a neuron at a place), dir:stage4:12..40 (from one
channel to another), diverse:stage4:3+17+40 (channels kept apart), class:owl, guide:photo.jpg (what is seen in a
picture); -1*class:owl is less of it, 'class:owl + 0.5*stage4' a sum. "class:owl{left}" dreams in one part of the frame
(left, right, top, bottom, center, circle(x,y,r), mask.png, or not and one of these), "class:owl[coarse]" on the large
octaves only ([fine], [0.2..0.6]); these need their quotes: 'score.targets=["class:owl{left}"]'.

Every number marked ~ may move: '0s: 1.2, 4s: 1.6 in-out, 8s: 1' (keyframes; linear, in, out, in-out, hold or
bezier(x1,y1,x2,y2)), '1.4 + 0.2*sin(2*pi*t/8)' (an expression in t, frame, fps, duration), or Deforum's
'0:(1.02), 60:(1.05)'. With audio.path=song.mp3, or audio.bpm= alone, expressions also know beat, bar, onset, bass, mid,
treble and loud, as in '1.2 + 0.6*bass'."""


def register(usage: str = "") -> None:
    """Make the schema, the gate for files and the help, where it is asked for, known to Hydra."""
    sanitize.register()
    store = ConfigStore.instance()
    store.store(name="schema", node=RenderConfig)
    text = usage and usage.format(groups=_groups(), settings=_settings(), words=WORDS).replace("$", "$$")
    node = {"app_name": "dream-zoom", "header": "", "footer": "", "template": text}
    store.store(group="hydra/help", name="dream", node=node, package="hydra.help")


def lay_under(values: dict[str, Any]) -> None:
    """Make ``values`` what the settings of a command line lie over, in place of the usual groups; REPEAT names it."""
    usual = OmegaConf.to_container(OmegaConf.load(CONF / "config.yaml"), resolve=False)
    assert isinstance(usual, dict)
    groups = [entry for entry in usual["defaults"] if isinstance(entry, dict)]
    unchosen = [{key: value if key.startswith("override ") else None for key, value in e.items()} for e in groups]
    first = [entry for entry in unchosen if None in entry.values()]
    last = [entry for entry in unchosen if None not in entry.values()]
    store = ConfigStore.instance()
    store.store(name="record", node=values)
    store.store(name=REPEAT, node={**usual, "defaults": ["schema", "record", *first, "_self_", *last]})


def choices(group: str) -> list[str]:
    """The names that ``group=`` may take."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def read(tree: DictConfig) -> RenderConfig:
    """Hydra's composed tree → the checked config. Raises ConfigError."""
    known = tuple(name for name, _, _ in settings(RenderConfig()))
    settled = OmegaConf.to_container(tree, resolve=False)
    assert isinstance(settled, dict)
    sanitize.check_tree(settled)
    for key, _ in safe_yaml.leaves(settled):
        if not any(f"{key}.".startswith(f"{name}.") for name in known):  # +key=value adds what nobody reads
            raise RenderError(_unknown(key))
    try:
        config = OmegaConf.to_object(tree)
    except OmegaConfBaseException as error:
        raise RenderError(explain(error)) from error
    assert isinstance(config, RenderConfig)
    validate(config)
    return write_out(config)


def write_out(config: RenderConfig) -> RenderConfig:
    """The config whose shots no longer name presets. Raises RenderError for a shot that cannot be, by its number."""
    made = []
    for key, entry in shot_list.entries(config) if config.film else ():
        made.append(shot_presets.written_out(key, entry))
        if config.film == shot_list.AUTO and "duration" not in entry:
            made[-1]["duration"] = "section"  # whatever a preset lasts by itself
        try:
            shot_list.shot_config(config, made[-1])
        except ConfigError as error:
            raise ConfigError(f"{key}.{error.key}", error.value, error.allowed) from error
        except OmegaConfBaseException as error:
            raise RenderError(f"{key}.{explain(error)}") from error
    if not made:
        return config
    return replace(config, presets=made) if config.film == shot_list.AUTO else replace(config, film=made)


def explain(error: BaseException) -> str:
    """What went wrong in composing the config, in one sentence."""
    if isinstance(error, OverrideParseException):
        return f"{error.override}: this is not a setting; write key=value, and quote lists and blanks: 'key=[a,b]'"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, name = str(error.missing_cfg_file).rpartition("/")
        if not group:
            return f"--config-name={name}: there is no file of settings of this name in --config-dir"
        known = [str(option) for option in error.options or []]
        return f"{group}={name}: allowed are {', '.join(known)}{nearest(name, known)}"
    cause: BaseException = error
    while not isinstance(cause, OmegaConfBaseException) and (deeper := cause.__cause__ or cause.__context__):
        cause = deeper
    composed = re.match(r"In '(.*?)/?([^/]*)': \w+ raised while composing config", str(error))
    if composed and composed.group(1):
        return f"{composed.group(1)}={composed.group(2)}: {_words(error, cause)}"
    return _words(error, cause)


def _words(error: BaseException, cause: BaseException) -> str:
    """The sentence for Hydra's ``error``, which OmegaConf's ``cause`` may lie under."""
    if isinstance(cause, ValidationError):
        named = re.search(r"Value '(.*?)'(?: \(?of type|.* could)", str(cause), re.DOTALL)
        typed = [word.partition("=")[2] for word in sys.argv[1:] if word.startswith(f"{cause.full_key}=")]
        value = named.group(1) if named else typed[-1] if typed else ""
        return f"{cause.full_key}={value}: {_wanted(str(cause.full_key))}"
    if isinstance(cause, InterpolationResolutionError):
        return f"{cause.full_key}: the reference in it leads nowhere, or back to itself"
    if isinstance(cause, OmegaConfBaseException) and cause.full_key:
        return _unknown(str(cause.full_key))
    message = str(error).split("\n")[0]
    ambiguous = re.search(r"Ambiguous value for argument '\+*(.*)'|Sweep parameters '\+*(.*)' requires", message)
    if ambiguous:
        written = ambiguous.group(1) or ambiguous.group(2)
        return f"{written}: several values need -m, which makes a film of each; a list is key=[a,b], a text is quoted"
    twice = re.search(r"Multiple values for (\w+)", message)
    if twice:
        return f"{twice.group(1)}: it is chosen twice; choose one"
    named = re.search(r"Could not (?:override|append to config[^']*)'([\w./]+)'", message)
    if named and "No match in the defaults list" in message:
        return _unknown(named.group(1))
    return message


def is_usage_error(error: BaseException) -> bool:
    """Whether Hydra or OmegaConf raised it over what the user wrote."""
    return isinstance(error, HydraException | OmegaConfBaseException)


def _unknown(key: str) -> str:
    if key == "export":
        return "export: python -m pipeline.score writes the score as data; a render has no such setting"
    known = [name for name, _, _ in settings(RenderConfig())]
    groups = [path.name for path in CONF.iterdir() if path.is_dir()]
    last = [name for name in known if name.rpartition(".")[2] == key.rpartition(".")[2]]
    hint = f" (did you mean {' or '.join(last)}?)" if last else nearest(key, [*known, *groups])
    return f"{key}: there is no such setting{hint}; --help lists all"


def _wanted(key: str) -> str:
    kinds = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}
    for name, item, _ in settings(RenderConfig()):
        if name == re.sub(r"\[\d+\]", "", key):
            kind = str(getattr(item.type, "__name__", item.type)).partition("[")
            wanted = kinds.get(kind[2].rstrip("]") or kind[0], "a list" if kind[0] == "list" else "another type")
            return f"needs {wanted}: {item.metadata['help']}"
    return "this value does not fit"


def _groups() -> str:
    rows = []
    for folder in sorted(path for path in CONF.iterdir() if path.is_dir() and path.name != "hydra"):
        plus = "+" if folder.name in APPENDED else ""
        rows.append(f"  {plus}{folder.name}=".ljust(20) + ", ".join(choices(folder.name)))
    return "\n".join(rows)


def _defaults() -> Any:
    """The config that a bare command line amounts to: the schema with the default groups' files laid over it."""
    merged = OmegaConf.structured(RenderConfig)
    for entry in OmegaConf.load(CONF / "config.yaml").defaults:
        for group, name in entry.items() if isinstance(entry, DictConfig) else ():
            path = CONF / str(group) / f"{name}.yaml"
            if path.is_file():
                content = OmegaConf.load(path)
                whole = "@package _global_" in path.read_text(encoding="utf-8")
                merged = OmegaConf.merge(merged, content if whole else {group: content})
    return OmegaConf.to_object(merged)


def _settings() -> str:
    rows = []
    for key, item, value in settings(_defaults()):
        low, high, options = (item.metadata[name] for name in ("low", "high", "choices"))
        limits = " | ".join(options) if options else f"{low:g} to {high:g}" if high is not None else ""
        limits += "~" if item.metadata["curve"] else ""
        shown = "null" if value is None else str(value).lower() if isinstance(value, bool) else value
        rows.append(f"  {key}=".ljust(26) + f"[{shown}] {item.metadata['help']}" + (f" ({limits})" if limits else ""))
    return "\n".join(rows)
