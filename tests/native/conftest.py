"""The programs beside the tests are modules that they import."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
