"""What every test shares: hypothesis without a clock, since tests run side by side on busy machines."""

from hypothesis import settings

settings.register_profile("suite", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("suite")
