-- new column intents.done_at (timestamp)
ALTER TABLE "intents" ADD COLUMN "done_at" text;
-- intents: index on tenant_id + project_id + created_at
CREATE INDEX "intents_tenant_id_project_id_created_at_idx" ON "intents" ("tenant_id", "project_id", "created_at");
