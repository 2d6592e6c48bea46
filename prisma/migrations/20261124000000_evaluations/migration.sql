-- CreateTable
CREATE TABLE "Evaluation" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "tenant" TEXT NOT NULL,
    "dataset" TEXT NOT NULL,
    "order" JSONB NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'PENDING',
    "stage" TEXT NOT NULL DEFAULT 'QUEUED',
    "progress" REAL NOT NULL DEFAULT 0,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "maxAttempts" INTEGER NOT NULL DEFAULT 3,
    "nextAttemptAt" DATETIME,
    "errorCode" TEXT,
    "errorMessage" TEXT,
    "packId" TEXT,
    "datasetTitle" TEXT,
    "datasetVersion" TEXT,
    "provenanceHash" TEXT,
    "result" JSONB,
    "requestId" TEXT,
    "workerId" TEXT,
    "leaseExpiresAt" DATETIME,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "startedAt" DATETIME,
    "finishedAt" DATETIME
);

-- CreateTable
CREATE TABLE "EvaluationRank" (
    "evaluationId" TEXT NOT NULL,
    "direction" TEXT NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "key" TEXT NOT NULL,
    "query" TEXT NOT NULL,
    "target" TEXT NOT NULL,
    "rank" REAL NOT NULL,
    "score" REAL NOT NULL,
    "hits" JSONB NOT NULL,

    PRIMARY KEY ("evaluationId", "direction", "ordinal"),
    CONSTRAINT "EvaluationRank_evaluationId_fkey" FOREIGN KEY ("evaluationId") REFERENCES "Evaluation" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateIndex
CREATE INDEX "Evaluation_state_createdAt_idx" ON "Evaluation"("state", "createdAt");

-- CreateIndex
CREATE INDEX "Evaluation_tenant_createdAt_idx" ON "Evaluation"("tenant", "createdAt");

-- CreateIndex
CREATE INDEX "EvaluationRank_evaluationId_direction_rank_ordinal_idx" ON "EvaluationRank"("evaluationId", "direction", "rank", "ordinal");
