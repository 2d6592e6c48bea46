-- CreateTable
CREATE TABLE "Video" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "externalId" TEXT,
    "title" TEXT,
    "metadata" JSONB,
    "sourceName" TEXT NOT NULL,
    "source" JSONB NOT NULL,
    "durationSeconds" REAL,
    "state" TEXT NOT NULL DEFAULT 'PENDING',
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" DATETIME NOT NULL,
    "indexedAt" DATETIME
);

-- CreateTable
CREATE TABLE "Segment" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "videoId" TEXT NOT NULL,
    "indexId" TEXT NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "startSeconds" REAL NOT NULL,
    "endSeconds" REAL NOT NULL,
    "pattern" INTEGER NOT NULL,
    CONSTRAINT "Segment_videoId_fkey" FOREIGN KEY ("videoId") REFERENCES "Video" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "VectorIndex" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "dimension" INTEGER NOT NULL,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- CreateTable
CREATE TABLE "SegmentVector" (
    "segmentId" TEXT NOT NULL PRIMARY KEY,
    "indexId" TEXT NOT NULL,
    "tenant" TEXT NOT NULL,
    "videoId" TEXT NOT NULL,
    "pattern" INTEGER NOT NULL,
    "vector" BLOB NOT NULL,
    CONSTRAINT "SegmentVector_segmentId_fkey" FOREIGN KEY ("segmentId") REFERENCES "Segment" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "SegmentVector_indexId_fkey" FOREIGN KEY ("indexId") REFERENCES "VectorIndex" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateTable
CREATE TABLE "VectorChange" (
    "sequence" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "indexId" TEXT NOT NULL,
    "videoId" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "IngestJob" (
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
    "requestId" TEXT,
    "workerId" TEXT,
    "leaseExpiresAt" DATETIME,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "startedAt" DATETIME,
    "finishedAt" DATETIME,
    CONSTRAINT "IngestJob_videoId_fkey" FOREIGN KEY ("videoId") REFERENCES "Video" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);

-- CreateIndex
CREATE INDEX "Video_tenant_state_createdAt_idx" ON "Video"("tenant", "state", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "Video_tenant_externalId_key" ON "Video"("tenant", "externalId");

-- CreateIndex
CREATE UNIQUE INDEX "Segment_videoId_indexId_ordinal_key" ON "Segment"("videoId", "indexId", "ordinal");

-- CreateIndex
CREATE INDEX "SegmentVector_indexId_segmentId_idx" ON "SegmentVector"("indexId", "segmentId");

-- CreateIndex
CREATE INDEX "SegmentVector_videoId_indexId_idx" ON "SegmentVector"("videoId", "indexId");

-- CreateIndex
CREATE UNIQUE INDEX "VectorChange_indexId_videoId_key" ON "VectorChange"("indexId", "videoId");

-- CreateIndex
CREATE INDEX "IngestJob_state_createdAt_idx" ON "IngestJob"("state", "createdAt");

-- CreateIndex
CREATE INDEX "IngestJob_videoId_state_idx" ON "IngestJob"("videoId", "state");

-- CreateIndex
CREATE INDEX "IngestJob_tenant_createdAt_idx" ON "IngestJob"("tenant", "createdAt");

