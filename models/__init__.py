"""The registry: a model's name -> its class. Importing a model is put off until it is asked for."""

import importlib

from tf_utils import keras_gate  # noqa: F401  before anything imports TensorFlow

MODELS = {
    "asli": "models.asli:ASLI",
    "sair": "models.sair:SAIR",
    "cafe": "models.cafe:CAFE",
    "attrec": "models.attrec:AttRec",
    "sine": "models.sine:SINE",
    "lstm_plus": "models.baselines.lstm_plus:LSTMPlus",
    "bert4rec": "models.baselines.bert4rec:BERT4Rec",
    "locker": "models.baselines.locker:Locker",
    "bert_f": "models.baselines.bert_f:BERTF",
    "locker_f": "models.baselines.locker_f:LockerF",
    "sasrec": "models.baselines.sasrec:SASRec",
    "sse_pt": "models.baselines.sse_pt:SSEPT",
    "nextitnet": "models.baselines.nextitnet:NextItNet",
    "bpr_mf": "models.baselines.bpr_mf:BPRMF",
    "fmc": "models.baselines.fmc:FMC",
    "fpmc": "models.baselines.fpmc:FPMC",
    "hrm": "models.baselines.hrm:HRM",
    "prme": "models.baselines.prme:PRME",
    "transrec": "models.baselines.transrec:TransRec",
    "caser": "models.baselines.caser:Caser",
    "gru4rec": "models.baselines.gru4rec:GRU4Rec",
    "mind": "models.baselines.mind:MIND",
    "mcprn": "models.baselines.mcprn:MCPRN",
    "lightsans": "models.baselines.lightsans:LightSANs",
    "nova": "models.baselines.nova:NOVA",
    "fdsa": "models.baselines.fdsa:FDSA",
    "comirec_sa": "models.baselines.comirec_sa:ComiRecSA",
    "pop": "models.baselines.pop:MostPop",
    "intent_pop": "models.baselines.intent_pop:IntentPop",
    "item_knn": "models.baselines.item_knn:ItemKNN",
    "history": "models.baselines.history:HistoryMembership",
    "id_distance": "models.baselines.id_distance:IdDistance",
}


def model_class(name: str) -> type:
    """The class of a registered model. Raises ValueError with the known names for any other."""
    if name not in MODELS:
        raise ValueError(f"unknown model {name!r}; known: {', '.join(sorted(MODELS))}")
    module, cls = MODELS[name].split(":")
    return getattr(importlib.import_module(module), cls)


def default_config(name: str):
    """The model's hyper-parameters with their defaults, an ml_collections.ConfigDict."""
    return model_class(name).default_config()


def build(name: str, config, spec):
    """A new model for data of the given models.base.DataSpec."""
    return model_class(name)(config, spec)
