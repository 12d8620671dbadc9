-- new column intents.owner (string(64))
ALTER TABLE "intents" ADD COLUMN "owner" text;
-- intents: index on done_at
CREATE INDEX "intents_done_at_idx" ON "intents" ("done_at");
-- new table replicas (5 columns)
CREATE TABLE "replicas" (
  "id" text NOT NULL,
  "beats" integer NOT NULL,
  "name" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("id")
) WITHOUT ROWID;
