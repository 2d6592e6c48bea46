-- CreateEnum
CREATE TYPE "VideoState" AS ENUM ('PENDING', 'INDEXED');

-- CreateEnum
CREATE TYPE "JobState" AS ENUM ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED');

-- CreateEnum
CREATE TYPE "IngestStage" AS ENUM ('QUEUED', 'PROBING', 'ENCODING', 'COMMITTING');

-- CreateEnum
CREATE TYPE "EvaluationStage" AS ENUM ('QUEUED', 'PREPARING', 'ENCODING_CLIPS', 'ENCODING_CAPTIONS', 'SCORING', 'COMMITTING');

-- CreateEnum
CREATE TYPE "RetrievalDirection" AS ENUM ('T2A', 'A2T');

-- CreateEnum
CREATE TYPE "VectorWriteState" AS ENUM ('STAGED', 'ABANDONED', 'REPLACED', 'DELETED', 'DROPPED');

-- CreateEnum
CREATE TYPE "ReindexState" AS ENUM ('RUNNING', 'PAUSED', 'READY', 'COMPLETED', 'CANCELLED', 'FAILED');

-- CreateTable
CREATE TABLE "Video" (
    "id" TEXT COLLATE "C" NOT NULL,
    "tenant" TEXT COLLATE "C" NOT NULL,
    "externalId" TEXT COLLATE "C",
    "title" TEXT COLLATE "C",
    "metadata" JSONB,
    "sourceName" TEXT COLLATE "C" NOT NULL,
    "source" JSONB NOT NULL,
    "durationSeconds" DOUBLE PRECISION,
    "state" "VideoState" NOT NULL DEFAULT 'PENDING',
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMP(3) NOT NULL,
    "indexedAt" TIMESTAMP(3),

    CONSTRAINT "Video_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Segment" (
    "id" TEXT COLLATE "C" NOT NULL,
    "videoId" TEXT COLLATE "C" NOT NULL,
    "indexId" TEXT COLLATE "C" NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "startSeconds" DOUBLE PRECISION NOT NULL,
    "endSeconds" DOUBLE PRECISION NOT NULL,
    "pattern" INTEGER NOT NULL,

    CONSTRAINT "Segment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "VectorIndex" (
    "id" TEXT COLLATE "C" NOT NULL,
    "dimension" INTEGER NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VectorIndex_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "IndexedVideo" (
    "indexId" TEXT COLLATE "C" NOT NULL,
    "videoId" TEXT COLLATE "C" NOT NULL,
    "tenant" TEXT COLLATE "C" NOT NULL,
    "generation" TEXT COLLATE "C" NOT NULL,
    "segmentCount" INTEGER NOT NULL,
    "mediaVersion" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "IndexedVideo_pkey" PRIMARY KEY ("indexId","videoId")
);

-- CreateTable
CREATE TABLE "VectorWrite" (
    "id" TEXT COLLATE "C" NOT NULL,
    "indexId" TEXT COLLATE "C" NOT NULL,
    "tenant" TEXT COLLATE "C",
    "videoId" TEXT COLLATE "C",
    "state" "VectorWriteState" NOT NULL,
    "leaseExpiresAt" TIMESTAMP(3) NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "VectorWrite_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "LiveIndex" (
    "id" TEXT COLLATE "C" NOT NULL DEFAULT 'live',
    "indexId" TEXT COLLATE "C" NOT NULL,
    "since" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "LiveIndex_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Reindex" (
    "id" TEXT COLLATE "C" NOT NULL,
    "indexId" TEXT COLLATE "C" NOT NULL,
    "fromIndexId" TEXT COLLATE "C",
    "state" "ReindexState" NOT NULL DEFAULT 'RUNNING',
    "swapAutomatically" BOOLEAN NOT NULL DEFAULT true,
    "errorCode" TEXT COLLATE "C",
    "errorMessage" TEXT COLLATE "C",
    "requestId" TEXT COLLATE "C",
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finishedAt" TIMESTAMP(3),

    CONSTRAINT "Reindex_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "SegmentVector" (
    "segmentId" TEXT COLLATE "C" NOT NULL,
    "indexId" TEXT COLLATE "C" NOT NULL,
    "tenant" TEXT COLLATE "C" NOT NULL,
    "videoId" TEXT COLLATE "C" NOT NULL,
    "pattern" INTEGER NOT NULL,
    "vector" BYTEA NOT NULL,

    CONSTRAINT "SegmentVector_pkey" PRIMARY KEY ("segmentId")
);

-- CreateTable
CREATE TABLE "VectorChange" (
    "sequence" SERIAL NOT NULL,
    "indexId" TEXT COLLATE "C" NOT NULL,
    "videoId" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "VectorChange_pkey" PRIMARY KEY ("sequence")
);

-- CreateTable
CREATE TABLE "IngestJob" (
    "id" TEXT COLLATE "C" NOT NULL,
    "tenant" TEXT COLLATE "C" NOT NULL,
    "videoId" TEXT COLLATE "C",
    "externalId" TEXT COLLATE "C",
    "source" JSONB NOT NULL,
    "state" "JobState" NOT NULL DEFAULT 'PENDING',
    "stage" "IngestStage" NOT NULL DEFAULT 'QUEUED',
    "progress" DOUBLE PRECISION DEFAULT 0,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "maxAttempts" INTEGER NOT NULL DEFAULT 3,
    "nextAttemptAt" TIMESTAMP(3),
    "errorCode" TEXT COLLATE "C",
    "errorMessage" TEXT COLLATE "C",
    "priority" INTEGER NOT NULL DEFAULT 0,
    "reindexId" TEXT COLLATE "C",
    "requestId" TEXT COLLATE "C",
    "workerId" TEXT COLLATE "C",
    "leaseExpiresAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "startedAt" TIMESTAMP(3),
    "finishedAt" TIMESTAMP(3),

    CONSTRAINT "IngestJob_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Evaluation" (
    "id" TEXT COLLATE "C" NOT NULL,
    "tenant" TEXT COLLATE "C" NOT NULL,
    "dataset" TEXT COLLATE "C" NOT NULL,
    "order" JSONB NOT NULL,
    "state" "JobState" NOT NULL DEFAULT 'PENDING',
    "stage" "EvaluationStage" NOT NULL DEFAULT 'QUEUED',
    "progress" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "maxAttempts" INTEGER NOT NULL DEFAULT 3,
    "nextAttemptAt" TIMESTAMP(3),
    "errorCode" TEXT COLLATE "C",
    "errorMessage" TEXT COLLATE "C",
    "packId" TEXT COLLATE "C",
    "datasetTitle" TEXT COLLATE "C",
    "datasetVersion" TEXT COLLATE "C",
    "provenanceHash" TEXT COLLATE "C",
    "result" JSONB,
    "requestId" TEXT COLLATE "C",
    "workerId" TEXT COLLATE "C",
    "leaseExpiresAt" TIMESTAMP(3),
    "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "startedAt" TIMESTAMP(3),
    "finishedAt" TIMESTAMP(3),

    CONSTRAINT "Evaluation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "EvaluationRank" (
    "evaluationId" TEXT COLLATE "C" NOT NULL,
    "direction" "RetrievalDirection" NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "query" TEXT COLLATE "C" NOT NULL,
    "target" TEXT COLLATE "C" NOT NULL,
    "rank" DOUBLE PRECISION NOT NULL,
    "score" DOUBLE PRECISION NOT NULL,
    "hits" JSONB NOT NULL,

    CONSTRAINT "EvaluationRank_pkey" PRIMARY KEY ("evaluationId","direction","ordinal")
);

-- CreateIndex
CREATE INDEX "Video_tenant_createdAt_id_idx" ON "Video"("tenant", "createdAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "Video_tenant_externalId_key" ON "Video"("tenant", "externalId");

-- CreateIndex
CREATE INDEX "Segment_indexId_pattern_idx" ON "Segment"("indexId", "pattern");

-- CreateIndex
CREATE UNIQUE INDEX "Segment_videoId_indexId_ordinal_key" ON "Segment"("videoId", "indexId", "ordinal");

-- CreateIndex
CREATE INDEX "IndexedVideo_videoId_idx" ON "IndexedVideo"("videoId");

-- CreateIndex
CREATE INDEX "VectorWrite_leaseExpiresAt_idx" ON "VectorWrite"("leaseExpiresAt");

-- CreateIndex
CREATE INDEX "VectorWrite_indexId_videoId_idx" ON "VectorWrite"("indexId", "videoId");

-- CreateIndex
CREATE INDEX "Reindex_state_createdAt_idx" ON "Reindex"("state", "createdAt");

-- CreateIndex
CREATE INDEX "SegmentVector_indexId_segmentId_idx" ON "SegmentVector"("indexId", "segmentId");

-- CreateIndex
CREATE INDEX "SegmentVector_videoId_indexId_idx" ON "SegmentVector"("videoId", "indexId");

-- CreateIndex
CREATE UNIQUE INDEX "VectorChange_indexId_videoId_key" ON "VectorChange"("indexId", "videoId");

-- CreateIndex
CREATE INDEX "IngestJob_state_priority_tenant_createdAt_idx" ON "IngestJob"("state", "priority", "tenant", "createdAt");

-- CreateIndex
CREATE INDEX "IngestJob_videoId_state_idx" ON "IngestJob"("videoId", "state");

-- CreateIndex
CREATE INDEX "IngestJob_reindexId_state_idx" ON "IngestJob"("reindexId", "state");

-- CreateIndex
CREATE INDEX "IngestJob_tenant_createdAt_idx" ON "IngestJob"("tenant", "createdAt");

-- CreateIndex
CREATE INDEX "Evaluation_state_createdAt_idx" ON "Evaluation"("state", "createdAt");

-- CreateIndex
CREATE INDEX "Evaluation_tenant_createdAt_idx" ON "Evaluation"("tenant", "createdAt");

-- CreateIndex
CREATE INDEX "EvaluationRank_evaluationId_direction_rank_ordinal_idx" ON "EvaluationRank"("evaluationId", "direction", "rank", "ordinal");

-- AddForeignKey
ALTER TABLE "Segment" ADD CONSTRAINT "Segment_videoId_fkey" FOREIGN KEY ("videoId") REFERENCES "Video"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "IndexedVideo" ADD CONSTRAINT "IndexedVideo_videoId_fkey" FOREIGN KEY ("videoId") REFERENCES "Video"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "SegmentVector" ADD CONSTRAINT "SegmentVector_segmentId_fkey" FOREIGN KEY ("segmentId") REFERENCES "Segment"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "SegmentVector" ADD CONSTRAINT "SegmentVector_indexId_fkey" FOREIGN KEY ("indexId") REFERENCES "VectorIndex"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "IngestJob" ADD CONSTRAINT "IngestJob_videoId_fkey" FOREIGN KEY ("videoId") REFERENCES "Video"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "IngestJob" ADD CONSTRAINT "IngestJob_reindexId_fkey" FOREIGN KEY ("reindexId") REFERENCES "Reindex"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "EvaluationRank" ADD CONSTRAINT "EvaluationRank_evaluationId_fkey" FOREIGN KEY ("evaluationId") REFERENCES "Evaluation"("id") ON DELETE CASCADE ON UPDATE CASCADE;

