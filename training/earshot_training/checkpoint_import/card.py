"""MODEL_CARD.md of an imported pack."""

from typing import Any

KINDS = {
    "collaborative-experts": "A CE model: experts gated by each other",
    "mixture-of-embedded-experts": "A MoEE model: a mixture of embedded experts",
    "single-expert": "A single expert, which the paper's tables call CE",
}


def model_card(manifest: dict[str, Any]) -> str:
    """The card, from the manifest alone."""
    origin, segment = manifest["provenance"], manifest["segment"]
    checkpoint, words, rate = origin["checkpoint"], origin["words"], manifest["sampleRate"]
    rows = "\n".join(
        f"| {expert['name']} | {expert['modality']} | {expert['featureDim']} |"
        f" {expert['aggregation']}, {expert['maxTokens']} | {origin['experts'][expert['name']]['licence']} |"
        for expert in manifest["experts"]
    )
    published = (
        f"By the names in it, it is the published `{checkpoint['published']}`; no hash of that is published."
        if checkpoint["published"]
        else "It is not one of the published checkpoints that can be told by their names."
    )
    calibration = manifest["calibration"]
    return f"""# {manifest["name"]} {manifest["version"]}

A retrieval model of "Audio Retrieval with Natural Language Queries" (Oncescu, Koepke, Henriques, Akata,
Albanie; Interspeech 2021), imported from its authors' file format. {KINDS[manifest["kind"]]}.

| expert | modality | feature size | tokens | licence of its weights |
| --- | --- | --- | --- | --- |
{rows}

- Checkpoint: `{checkpoint["file"]}`, SHA-256 `{checkpoint["sha256"]}`, best epoch {checkpoint["epoch"]}.
  {published}
- Trained on: {origin["configuration"]["dataset"] or "not known"}.
- Texts of up to {manifest["textEncoder"]["wordLimit"]} words.
- Segments of {segment["lengthSamples"] / rate:.2f} s, one every {segment["hopSamples"] / rate:.2f} s.
- {words["words"]:,} words of `{words["file"]}`.
- Relevance: slope {calibration["slope"]}, intercept {calibration["intercept"]}; {origin["calibration"]}.
- Licence: {manifest["licence"]}.

The model was trained with padding that nothing masks, so it scores best on segments about as long as its
training clips. Figures of the published models are in the paper and its repositories; this pack was not
measured again.
"""
