"""The paper's retrieval models: NetVLAD pooling, gated units, collaborative gating."""

from earshot_training.model.ce import CENet, ExpertInput, Output
from earshot_training.model.gating import CollaborativeGate, GatedUnit, SelfGate
from earshot_training.model.netvlad import NetVLAD

__all__ = [
    "CENet",
    "CollaborativeGate",
    "ExpertInput",
    "GatedUnit",
    "NetVLAD",
    "Output",
    "SelfGate",
]
