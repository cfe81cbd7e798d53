"""``python -m pipeline.studio``: a page from the first idea to the finished film."""

import sys

from pipeline.cli import own_settings
from pipeline.cli.main import exit_code_of
from pipeline.errors import RenderError
from pipeline.runtime.progress import NoteHandler, lossy_output, notes_to
from pipeline.studio.config import StudioConfig

PREFIX = "studio."
USAGE = """\
Serves a page on this machine on which you make films: choose a preset by its picture, drop in a photograph, a clip or a
song, change settings, sketch, and render one film after the other. Ctrl-C ends it; the next start resumes.

    python -m pipeline.studio
    python -m pipeline.studio studio.port=9000

Each film is rendered by python -m pipeline.render with the command that the page shows, and lies where that puts it.
Settings of the studio (setting=value; [default]):

{own}

Exit codes: 0 ended, 1 something for you to correct.
"""


def main() -> None:
    """Serve the page until Ctrl-C."""
    with lossy_output(), notes_to(NoteHandler()):
        code = exit_code_of(lambda: serve(sys.argv[1:]))
    sys.exit(code)


def serve(arguments: list[str]) -> None:
    """Serve the page that the command line describes. Raises RenderError."""
    if {"-h", "--help"} & {*arguments}:
        print(USAGE.format(own=own_settings.table(StudioConfig(), PREFIX)))  # noqa: T201 - the answer
        return
    own, rest = own_settings.split(arguments, StudioConfig(), PREFIX)
    if rest:
        raise RenderError(f"{rest[0]}: the settings of a film are chosen on the page; --help lists those of the studio")
    config = own_settings.parse(own, StudioConfig(), PREFIX)

    from pipeline.studio.serve import serve

    try:
        serve(config)
    except OSError as error:
        if not error.filename:
            raise
        raise RenderError(f"studio.folder={config.folder}: {error.filename}: {error.strerror}") from error


if __name__ == "__main__":
    main()
