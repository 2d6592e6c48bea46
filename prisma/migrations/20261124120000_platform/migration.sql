-- CreateTable
CREATE TABLE "IndexedVideo" (
    "indexId" TEXT NOT NULL,
    "videoId" TEXT NOT NULL,
    "tenant" TEXT NOT NULL,
    "generation" TEXT NOT NULL,
    "segmentCount" INTEGER NOT NULL,
    "mediaVersion" DATETIME NOT NULL,

    PRIMARY KEY ("indexId", "videoId"),
    CONSTRAINT "IndexedVideo_videoId_fkey" FOREIGN KEY ("videoId") REFERENCES "Video" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "VectorWrite" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "indexId" TEXT NOT NULL,
    "tenant" TEXT,
    "videoId" TEXT,
    "state" TEXT NOT NULL,
    "leaseExpiresAt" DATETIME NOT NULL,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- CreateTable
CREATE TABLE "LiveIndex" (
    "id" TEXT NOT NULL PRIMARY KEY DEFAULT 'live',
    "indexId" TEXT NOT NULL,
    "since" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- CreateTable
CREATE TABLE "Reindex" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "indexId" TEXT NOT NULL,
    "fromIndexId" TEXT,
    "state" TEXT NOT NULL DEFAULT 'RUNNING',
    "swapAutomatically" BOOLEAN NOT NULL DEFAULT true,
    "errorCode" TEXT,
    "errorMessage" TEXT,
    "requestId" TEXT,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finishedAt" DATETIME
);

-- RedefineTables
PRAGMA defer_foreign_keys=ON;
PRAGMA foreign_keys=OFF;
CREATE TABLE "new_IngestJob" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "videoId" TEXT,
    "externalId" TEXT,
    "source" JSONB NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'PENDING',
    "stage" TEXT NOT NULL DEFAULT 'QUEUED',
    "progress" REAL DEFAULT 0,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "maxAttempts" INTEGER NOT NULL DEFAULT 3,
    "nextAttemptAt" DATETIME,
    "errorCode" TEXT,
    "errorMessage" TEXT,
    "priority" INTEGER NOT NULL DEFAULT 0,
    "reindexId" TEXT,
    "requestId" TEXT,
    "workerId" TEXT,
    "leaseExpiresAt" DATETIME,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "startedAt" DATETIME,
    "finishedAt" DATETIME,
    CONSTRAINT "IngestJob_videoId_fkey" FOREIGN KEY ("videoId") REFERENCES "Video" ("id") ON DELETE SET NULL ON UPDATE CASCADE,
    CONSTRAINT "IngestJob_reindexId_fkey" FOREIGN KEY ("reindexId") REFERENCES "Reindex" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
INSERT INTO "new_IngestJob" ("attempts", "createdAt", "errorCode", "errorMessage", "externalId", "finishedAt", "id", "leaseExpiresAt", "maxAttempts", "nextAttemptAt", "progress", "requestId", "source", "stage", "startedAt", "state", "tenant", "videoId", "workerId") SELECT "attempts", "createdAt", "errorCode", "errorMessage", "externalId", "finishedAt", "id", "leaseExpiresAt", "maxAttempts", "nextAttemptAt", "progress", "requestId", "source", "stage", "startedAt", "state", "tenant", "videoId", "workerId" FROM "IngestJob";
DROP TABLE "IngestJob";
ALTER TABLE "new_IngestJob" RENAME TO "IngestJob";
CREATE INDEX "IngestJob_state_priority_tenant_createdAt_idx" ON "IngestJob"("state", "priority", "tenant", "createdAt");
CREATE INDEX "IngestJob_videoId_state_idx" ON "IngestJob"("videoId", "state");
CREATE INDEX "IngestJob_reindexId_state_idx" ON "IngestJob"("reindexId", "state");
CREATE INDEX "IngestJob_tenant_createdAt_idx" ON "IngestJob"("tenant", "createdAt");
PRAGMA foreign_keys=ON;
PRAGMA defer_foreign_keys=OFF;

-- CreateIndex
CREATE INDEX "IndexedVideo_videoId_idx" ON "IndexedVideo"("videoId");

-- CreateIndex
CREATE INDEX "VectorWrite_leaseExpiresAt_idx" ON "VectorWrite"("leaseExpiresAt");

-- CreateIndex
CREATE INDEX "VectorWrite_indexId_videoId_idx" ON "VectorWrite"("indexId", "videoId");

-- CreateIndex
CREATE INDEX "Reindex_state_createdAt_idx" ON "Reindex"("state", "createdAt");

-- What the indexes hold of videos that were indexed before.
INSERT INTO "IndexedVideo" ("indexId", "videoId", "tenant", "generation", "segmentCount", "mediaVersion")
SELECT s."indexId", s."videoId", v."tenant", lower(hex(randomblob(16))), count(*), coalesce(v."indexedAt", v."createdAt")
FROM "Segment" s JOIN "Video" v ON v."id" = s."videoId"
GROUP BY s."indexId", s."videoId";

-- DropIndex
DROP INDEX "Video_tenant_state_createdAt_idx";

-- CreateIndex
CREATE INDEX "Segment_indexId_pattern_idx" ON "Segment"("indexId", "pattern");

-- CreateIndex
CREATE INDEX "Video_tenant_createdAt_id_idx" ON "Video"("tenant", "createdAt", "id");
