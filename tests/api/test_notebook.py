"""The notebook runs from top to bottom."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from pipeline.media.decode.probe import probe

ROOT = Path(__file__).resolve().parent.parent.parent
SMALL = "width, height, seconds, octaves = 96, 64, 0.5, 2"


def test_notebook_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(ROOT / "notebooks" / "dream_zoom.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    place = next(n for n, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", ()))
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(SMALL))
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}})
    client.execute()
    for name in ("zoom.mp4", "deviation.mp4"):
        facts = probe(tmp_path / "outputs" / "notebook" / name)
        assert (facts.width, facts.height) == (96, 64)
