"""A training's settings in the form of the reference's configurations, and its files in that of the
reference's checkpoints (reference facts 1.1 and 1.6), so that what reads those reads ours."""

from pathlib import Path
from typing import Any

import torch

from earshot_training.experts.catalogue import reference_name
from earshot_training.paper.config import Config
from earshot_training.paper.inputs import Inputs
from earshot_training.paper.network import expert_input, variant
from earshot_training.paper.trainer import Trainer

CHECKPOINT_FILE = "trained_model.pth"


def reference_settings(config: Config, inputs: Inputs, seed: int) -> dict[str, Any]:
    """The settings as the reference's `config.json` has them, as far as they describe the model and its
    training."""
    names = inputs.experts
    sizes = {reference_name(name): expert_input(inputs.dataset, name) for name in names}
    kind = variant(config, names)
    limits = {reference_name(name): limit for name, limit in inputs.token_limits.items()}
    return {
        "seed": seed,
        "experts": {
            "modalities": list(sizes),
            "text_feat": "w2v",
            "text_dim": inputs.word_dim,
            "text_agg": "vlad",
            "ce_shared_dim": config.shared_dim,
        },
        "arch": {
            "type": "CENet",
            "args": {
                "use_ce": "pairwise" if kind == "ce" else "",
                "mimic_ce_dims": int(kind == "single"),
                "vlad_clusters": {
                    "text": config.text_clusters,
                    **{name: size.clusters for name, size in sizes.items() if size.clusters},
                },
                "ghost_clusters": {
                    "text": config.text_ghosts,
                    **{name: size.ghosts for name, size in sizes.items() if size.ghosts},
                },
                "keep_missing_modalities": False,
                "use_bn_reason": 1,
                "use_mish": 1,
                "include_self": 1,
                "num_g_layers": 3,
                "num_h_layers": 0,
                "l2renorm": False,
                "test_caption_mode": "indep",
            },
        },
        "data_loader": {
            "type": "ExpertDataLoader",
            "args": {
                "dataset_name": inputs.dataset.name,
                "batch_size": config.batch_size,
                "max_tokens": {"text": inputs.protocol.text_tokens, **limits},
                "fuse_captions": inputs.protocol.fuse_captions,
                "num_test_captions": inputs.protocol.test_captions,
                "feat_aggregation": {
                    reference_name(name): {
                        "temporal": "vlad" if name in inputs.token_limits else "avg",
                        "flaky": name in inputs.protocol.flaky,
                        "feat_dims": {"embed": inputs.dataset.experts[name].dim},
                    }
                    for name in names
                },
            },
        },
        "optimizer": {
            "type": "Ranger",
            "args": {"lr": config.lr, "weight_decay": config.weight_decay},
        },
        "lr_scheduler": {"type": "StepLR", "args": {"step_size": 1, "gamma": config.gamma}},
        "loss": {"type": "MaxMarginRankingLoss", "args": {"margin": config.margin, "fix_norm": True}},
        "trainer": {
            "epochs": config.epochs,
            "monitor": "max val_t2v_metrics_geometric_mean_R1-R5-R10",
            "save_only_best": True,
        },
    }


def save_checkpoint(path: Path, trainer: Trainer, settings: dict[str, Any]) -> None:
    """Writes the best weights and, as the reference does, the optimiser's state after the LAST epoch."""
    content = {
        "arch": "CENet",
        "epoch": trainer.best_epoch,
        "state_dict": trainer.best_weights,
        "optimizer": trainer.optimiser.state_dict(),
        "monitor_best": trainer.best,
        "config": settings,
    }
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    partial.replace(path)
