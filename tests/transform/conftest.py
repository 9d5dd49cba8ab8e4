"""What the tests share is beside them; last on the path, as other folders have a `programs` too."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
