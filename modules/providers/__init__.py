"""Provider plugins as a project's own concern: which it needs, mirrors of them, locks, and whether they agree.

Installing them is Terraform's work (`modules/terraform/providers.py` tells it where from).
"""

from modules.providers.needed import Needed, needed_by

__all__ = ["Needed", "needed_by"]
