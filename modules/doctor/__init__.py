"""`infra doctor`: looks at this machine, an environment's files, and the accounts and networks it needs.

A check never changes anything. Those of this machine ask no network; those of accounts run only for a named
environment that needs them, side by side, each with a deadline.
"""

from modules.doctor.examine import CHECKS, REMOTE, Remote, examine
from modules.doctor.patient import Patient
from modules.findings import Finding

__all__ = ["CHECKS", "REMOTE", "Finding", "Patient", "Remote", "examine"]
