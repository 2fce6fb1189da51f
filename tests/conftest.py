"""How property tests draw: the same examples each time where CI is set, new ones elsewhere."""

import os

from hypothesis import Phase, settings

settings.register_profile("ci", derandomize=True, print_blob=True, deadline=None)
settings.register_profile("dev", deadline=None)
settings.register_profile("sabotage", settings.get_profile("ci"), phases=[Phase.generate])
settings.load_profile(os.environ.get("EXAMPLES") or ("ci" if os.environ.get("CI") else "dev"))
