"""What a test sees of one call of the command line."""

import json
from dataclasses import dataclass


@dataclass
class Answer:
    """What one call of the command line came to."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        return self.json["error"]
