"""What the web process imports stays light: no pandas, no trainer."""

import subprocess
import sys

import pytest

HEAVY = ("pandas", "xgboost", "prophet", "scipy", "duckdb", "pyarrow", "holidays")
LIGHT = (
    "ml.recommend.neighbours",
    "ml.recommend.replay",
    "ml.compare",
    "ml.metrics",
    "ml.bundles",
    "ml.frames",
    "ml.drift",
    "ml.explain",
)


@pytest.mark.parametrize("module", LIGHT)
def test_a_light_module_imports_numpy_at_most(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_fitting_code_loads_no_trainer_before_it_trains() -> None:
    code = "import sys, ml.train, ml.forecast.leader, ml.forecast.xgb; print([m in sys.modules for m in TRAINERS])"
    code = code.replace("TRAINERS", "('xgboost', 'prophet')")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == "[False, False]\n"
