"""A backend whose engine is not installed."""

import no_such_engine  # noqa: F401  # the point
