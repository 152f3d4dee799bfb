"""LOCKER-F: LOCKER with the intents of the events, CAFE's own baseline (CAFE section 4.1.2).

| what | CAFE says | CAFE's code does | here | why |
|---|---|---|---|---|
| intents (B7) | "in the same way as FDSA" | not released | as BERT-F (models/baselines/bert_f.py) | |
| second encoder | - | - | local heads like the first's | FDSA's two encoders are alike |
| output | - | - | linear layer, then item vectors: LOCKER has no projection | |
| the rest | LOCKER | - | models/baselines/locker.py | |
"""

from models.baselines.bert_f import IntentFusion
from models.baselines.locker import Locker


class LockerF(IntentFusion, Locker):
    """Two of LOCKER's bodies, one over items and one over intents; the joined states say which items are hidden."""

    @staticmethod
    def variants():
        return {"paper": {}}
