/** Enums of evaluations, with the values that the catalog has. */
import { registerEnumType } from "type-graphql";

/** A benchmark, as the catalog has it. */
export enum EvaluationDataset {
  AUDIOCAPS = "AUDIOCAPS",
  CLOTHO = "CLOTHO",
  ACTIVITYNET_CAPTIONS = "ACTIVITYNET_CAPTIONS",
  QUERYD = "QUERYD",
  QUERYD_SEGMENTS = "QUERYD_SEGMENTS",
  SOUNDDESCS = "SOUNDDESCS",
  CUSTOM = "CUSTOM",
}

/** State of an evaluation, as the catalog has it. */
export enum EvaluationState {
  PENDING = "PENDING",
  RUNNING = "RUNNING",
  COMPLETED = "COMPLETED",
  FAILED = "FAILED",
  CANCELLED = "CANCELLED",
}

/** What an evaluation is doing, as the catalog has it. */
export enum EvaluationStage {
  QUEUED = "QUEUED",
  PREPARING = "PREPARING",
  ENCODING_CLIPS = "ENCODING_CLIPS",
  ENCODING_CAPTIONS = "ENCODING_CAPTIONS",
  SCORING = "SCORING",
  COMMITTING = "COMMITTING",
}

/** Who looks for whom. */
export enum RetrievalDirection {
  T2A = "T2A",
  A2T = "A2T",
}

/** What of a clip is scored. */
export enum ClipScoring {
  BEST_SEGMENT = "BEST_SEGMENT",
  WHOLE_CLIP = "WHOLE_CLIP",
}

/** Where clips come from. */
export enum EvaluationSourceKind {
  FEATURES = "FEATURES",
  MEDIA = "MEDIA",
  INDEX = "INDEX",
}

/** Order of a list of ranks, as the catalog has it. */
export enum EvaluationRankOrder {
  DATASET = "DATASET",
  BEST = "BEST",
  WORST = "WORST",
}

/** A table of the paper. */
export enum PaperTable {
  TABLE_1 = "TABLE_1",
  TABLE_2 = "TABLE_2",
  TABLE_3 = "TABLE_3",
  TABLE_4 = "TABLE_4",
}

/** A model of the paper. */
export enum PaperModel {
  CE = "CE",
  MOEE = "MOEE",
}

/** Cause of a warning, as the comparison has it. */
export enum EvaluationWarningCode {
  DATASETS_DIFFER = "DATASETS_DIFFER",
  DATASET_VERSIONS_DIFFER = "DATASET_VERSIONS_DIFFER",
  SPLITS_DIFFER = "SPLITS_DIFFER",
  POOLS_DIFFER = "POOLS_DIFFER",
  QUERIES_DIFFER = "QUERIES_DIFFER",
  CLIP_SCORING_DIFFERS = "CLIP_SCORING_DIFFERS",
  SEED_REPEATED = "SEED_REPEATED",
  PAPER_POOL_DIFFERS = "PAPER_POOL_DIFFERS",
  PAPER_ROW_NOT_FOUND = "PAPER_ROW_NOT_FOUND",
}

registerEnumType(EvaluationDataset, {
  name: "EvaluationDataset",
  description: "A benchmark of audio retrieval.",
  valuesConfig: {
    AUDIOCAPS: { description: "AudioCaps: clips of 10 s, five captions each in the test split." },
    CLOTHO: { description: "Clotho: sounds of 15 to 30 s, five captions each." },
    ACTIVITYNET_CAPTIONS: {
      description: "ActivityNet Captions: whole videos, all captions of one joined to a paragraph.",
    },
    QUERYD: { description: "QuerYD: whole videos, all descriptions of one joined." },
    QUERYD_SEGMENTS: { description: "QuerYD cut into the described segments: the paper's QuerYD." },
    SOUNDDESCS: { description: "SoundDescs: sounds of the BBC's archive with their descriptions." },
    CUSTOM: { description: "A data set of one's own, in a layout that Earshot knows." },
  },
});

registerEnumType(EvaluationState, {
  name: "EvaluationState",
  description: "Where an evaluation stands.",
  valuesConfig: {
    PENDING: { description: "Waits for its turn, or for another attempt." },
    RUNNING: { description: "Is being worked on." },
    COMPLETED: { description: "Done: the figures and the ranks behind them are there." },
    FAILED: { description: "Given up; `errorCode` and `errorMessage` say why. There are no figures." },
    CANCELLED: { description: "Cancelled. There are no figures." },
  },
});

registerEnumType(EvaluationStage, {
  name: "EvaluationStage",
  description: "What an evaluation is doing.",
  valuesConfig: {
    QUEUED: { description: "Waiting." },
    PREPARING: { description: "Opening the model pack and the data set, looking for the clips." },
    ENCODING_CLIPS: { description: "Turning the clips into embeddings." },
    ENCODING_CAPTIONS: { description: "Turning the captions into embeddings." },
    SCORING: { description: "Scoring every caption with every clip, ranking, drawing the confidence intervals." },
    COMMITTING: { description: "Writing figures and ranks, all at once." },
  },
});

registerEnumType(RetrievalDirection, {
  name: "RetrievalDirection",
  description: "What looks for what.",
  valuesConfig: {
    T2A: { description: "Text to audio: each caption looks for its clip." },
    A2T: { description: "Audio to text: each clip looks for one of its captions." },
  },
});

registerEnumType(ClipScoring, {
  name: "ClipScoring",
  description: "What of a clip is scored.",
  valuesConfig: {
    BEST_SEGMENT: {
      description: "It is cut into segments as an ingested video is, and scores as its best one, as a search does.",
    },
    WHOLE_CLIP: {
      description: "Its features are one sequence, cut to the model pack's token limits, as in the paper.",
    },
  },
});

registerEnumType(EvaluationSourceKind, {
  name: "EvaluationSourceKind",
  description: "Where the clips of an evaluation come from.",
  valuesConfig: {
    FEATURES: { description: "Features that experts have made before." },
    MEDIA: { description: "Media files, which the model pack's experts hear and see." },
    INDEX: { description: "The caller's indexed videos, scored as a search scores them." },
  },
});

registerEnumType(EvaluationRankOrder, {
  name: "EvaluationRankOrder",
  description: "In which order queries are listed.",
  valuesConfig: {
    DATASET: { description: "As the data set has them." },
    BEST: { description: "Best rank first; equal ones as the data set has them." },
    WORST: { description: "Worst rank first; equal ones as the data set has them." },
  },
});

registerEnumType(PaperTable, {
  name: "PaperTable",
  description: 'A result table of "Audio Retrieval with Natural Language Queries" (Oncescu et al. 2021).',
  valuesConfig: {
    TABLE_1: { description: "The four data sets, VGGish alone." },
    TABLE_2: { description: "Experts on AudioCaps." },
    TABLE_3: { description: "CE and MoEE on AudioCaps and Clotho, with and without pre-training." },
    TABLE_4: { description: "CE and MoEE on Clotho, two ways of padding, with and without pre-training." },
  },
});

registerEnumType(PaperModel, {
  name: "PaperModel",
  description: "How the paper puts experts together.",
  valuesConfig: {
    CE: { description: "Collaborative experts; with one expert there is nothing to collaborate." },
    MOEE: { description: "Mixture of embedded experts." },
  },
});

registerEnumType(EvaluationWarningCode, {
  name: "EvaluationWarningCode",
  description: "What makes the figures of a comparison less comparable.",
  valuesConfig: {
    DATASETS_DIFFER: { description: "The runs are on different data sets; there are no paired differences." },
    DATASET_VERSIONS_DIFFER: { description: "Runs of one data set have read different versions of it." },
    SPLITS_DIFFER: { description: "The runs are on different splits." },
    POOLS_DIFFER: { description: "The runs had different numbers of clips to choose from." },
    QUERIES_DIFFER: {
      description: "A run and the first one have different queries; differences are over those both have.",
    },
    CLIP_SCORING_DIFFERS: { description: "The runs score clips in different ways." },
    SEED_REPEATED: { description: "A series has several runs of one seed; the first of them counts." },
    PAPER_POOL_DIFFERS: { description: "A run had another number of clips to choose from than the paper." },
    PAPER_ROW_NOT_FOUND: {
      description: "No run has the data set, experts and model of any row of the table that was asked for.",
    },
  },
});
