"""Looks after an environment's secrets: which references there are, whether they resolve, what is written in clear.

Resolving one is `modules/environment/secrets.py`; cutting known ones out of text is `modules/redaction.py`. No value is
kept, shown or returned here.
"""

from modules.secrets.check import Checked, check_secrets
from modules.secrets.references import Reference, references_of

__all__ = ["Checked", "Reference", "check_secrets", "references_of"]
