"""What every test shares: hypothesis without a clock, since tests run side by side on busy machines.

``HYPOTHESIS_PROFILE=long`` draws many more examples, other ones each time.
"""

import os

from hypothesis import settings

settings.register_profile("suite", deadline=None, derandomize=True, print_blob=True, max_examples=60)
settings.register_profile("long", deadline=None, print_blob=True, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))
