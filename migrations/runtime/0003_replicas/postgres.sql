-- new column intents.owner (string(64))
ALTER TABLE "intents" ADD COLUMN "owner" varchar(64);
-- intents: index on done_at
CREATE INDEX "intents_done_at_idx" ON "intents" ("done_at");
-- new table replicas (5 columns)
CREATE TABLE "replicas" (
  "id" varchar(256) NOT NULL,
  "beats" bigint NOT NULL,
  "name" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("id")
);
