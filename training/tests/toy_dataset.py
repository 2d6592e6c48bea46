"""A small data set in the neutral layout that can be learnt: its captions say what its features hold."""

import numpy as np

from earshot_training.datasets import Clip, Protocol, write_dataset

TOPICS = "dog rain engine bell bird water wind crowd train door music siren".split()
MANNERS = "loud quiet near far long short".split()
WORD_DIM = 12
DIMS = {"vggish": 10, "vggsound": 14, "inst": 9, "scene": 8, "r2p1d": 7}


def word_vectors():
    rng = np.random.default_rng(5)
    return {
        word: rng.normal(size=WORD_DIM).astype(np.float32) for word in (*TOPICS, *MANNERS, "then", "again")
    }


def toy_dataset(
    folder,
    name="audiocaps",
    experts=("vggish", "vggsound"),
    train=60,
    others=16,
    captions=3,
    missing=(),
    splits=(),
    words=True,
    seed=1,
    flaky=("vggish",),
):
    """Writes a data set of `train` + 2 * `others` clips; lists train, val, test and those named in
    `splits`.

    A clip is one topic and one manner; each token of an expert is their directions plus noise, each caption
    names both. `missing`: pairs (clip number, expert) without features.
    """
    rng = np.random.default_rng(seed)
    vectors = word_vectors()
    count = train + 2 * others
    topics, manners = rng.integers(len(TOPICS), size=count), rng.integers(len(MANNERS), size=count)
    clips = []
    for number in range(count):
        topic, manner = TOPICS[topics[number]], MANNERS[manners[number]]
        texts = [f"{manner} {topic}", f"{topic} {manner} again", f"{topic} then {topic}"]
        clips.append(Clip(f"clip_{number:03}", tuple(texts[: captions if number >= train else 1])))
    ids = [clip.id for clip in clips]
    lists = {"train": ids[:train], "val": ids[train : train + others], "test": ids[train + others :]}
    for split in splits:
        kind, _, share = split.partition("_")
        lists[split] = lists[kind][: max(2, len(lists[kind]) * int(share) // 100)]

    def rows(expert):
        maps = np.random.default_rng([7, *expert.encode()]).normal(
            size=(len(TOPICS) + len(MANNERS), DIMS[expert])
        )
        for number in range(count):
            if (number, expert) in missing:
                yield None
                continue
            direction = maps[topics[number]] + maps[len(TOPICS) + manners[number]]
            length = int(rng.integers(2, 7))
            tokens = direction + 0.4 * rng.normal(size=(length, DIMS[expert]))
            yield (tokens if aggregation(expert) == "sequence" else tokens.mean(axis=0)).astype(np.float32)

    def caption_vectors():
        for clip in clips:
            for caption in clip.captions:
                yield np.stack([vectors[word] for word in caption.split()])

    return write_dataset(
        folder,
        name,
        clips,
        lists,
        Protocol(
            text_tokens=4,
            max_tokens={expert: 5 for expert in experts if aggregation(expert) == "sequence"},
            test_captions=5,
            flaky=flaky,
        ),
        {expert: (aggregation(expert), DIMS[expert], rows(expert)) for expert in experts},
        words=(WORD_DIM, caption_vectors()) if words else None,
    )


def aggregation(expert):
    return "sequence" if expert.startswith("vgg") else "average"
