"""Files as the reference's trainer writes them (reference fact 1.6), for tests."""

import argparse
import sys
import types
from pathlib import Path, PosixPath
from typing import Any

import numpy as np
import torch
from numpy_model import Pooled

from earshot_training.model import CENet

SAVED_AS = "data/saved/models/audiocaps-train/1a2b3c4d/seed-0/2021-06-09_17-06-26"


def write_checkpoint(
    path: Path,
    model: CENet,
    settings: dict[str, Any],
    saved_as: str = SAVED_AS,
    zipped: bool = True,
    **extra: Any,
) -> Path:
    """A `trained_model.pth`: its config is an object of a class in a module of the reference's own, which is
    gone when this returns. `extra` replaces or adds entries of the file's dictionary."""
    module = sys.modules.get("parse_config") or types.ModuleType("parse_config")
    module.ConfigParser = type("ConfigParser", (), {"__module__": "parse_config"})
    config = module.ConfigParser()
    config._config = {**settings, "visualizer": {"args": {"src_video_dir": PosixPath("/videos")}}}
    config._save_dir = PosixPath(saved_as)
    config._args = argparse.Namespace(config="some.json", resume=None)
    content = {
        "arch": "CENet", "epoch": 7, "state_dict": model.state_dict(), "monitor_best": np.float64(42.25),
        "config": config, **extra,
    }  # fmt: skip
    sys.modules["parse_config"] = module
    try:
        torch.save(content, path, _use_new_zipfile_serialization=zipped)
    finally:
        del sys.modules["parse_config"]
    return path


def settings_of(
    experts: dict[str, Pooled], text: Pooled, shared: int, variant: str = "ce", text_tokens: int = 20
) -> dict[str, Any]:
    """The resolved settings of a model of AudioCaps, as far as they matter. `experts` by the reference's
    names; `modalities` are not in model order, as in the reference's files."""
    clusters = {name: expert.clusters for name, expert in experts.items() if expert.clusters}
    return {
        "seed": 0,
        "experts": {
            "text_feat": "w2v", "text_agg": "vlad", "ce_shared_dim": shared,
            "modalities": list(experts)[::-1],
        },
        "arch": {"type": "CENet", "args": {
            "keep_missing_modalities": False, "use_ce": "pairwise" if variant == "ce" else "", "use_mish": 1,
            "use_bn_reason": 1, "num_g_layers": 3, "num_h_layers": 0, "include_self": 1, "l2renorm": False,
            "vlad_clusters": {"text": text.clusters, "ocr": 32, **clusters},
            "ghost_clusters": {"text": text.ghosts}, "mimic_ce_dims": int(variant == "single"),
        }},
        "data_loader": {"type": "ExpertDataLoader", "args": {
            "dataset_name": "AudioCaps",
            "max_tokens": {"text": text_tokens, "audio": 29, "pann": 29, "vggsound": 29, "speech": 35},
            "feat_aggregation": {
                name: {"temporal": "vlad", "type": "embed"} if expert.clusters
                else {"temporal": "avg", "type": "embed", "feat_dims": {"embed": expert.dim, "logits": 9}}
                for name, expert in experts.items()
            },
        }},
        "loss": {"type": "MaxMarginRankingLoss", "args": {"margin": 0.2, "fix_norm": True}},
        "trainer": {"monitor": "max val_t2v_metrics_geometric_mean_R1-R5-R10"},
    }  # fmt: skip
