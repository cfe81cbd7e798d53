"""The Ray cluster that renders shots."""

from dataclasses import dataclass

from pipeline.config.setting import option


@dataclass
class RayConfig:
    """The Ray cluster of engine=ray."""

    address: str | None = option(
        None, "auto (the cluster of this machine) or host:port; null: a local Ray, started for this run"
    )
    dashboard: bool = option(False, "serve Ray's dashboard, on this machine only, when Ray is started for this run")
