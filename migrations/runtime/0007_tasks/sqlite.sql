-- new table tasks (11 columns)
CREATE TABLE "tasks" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "agent_id" text NOT NULL,
  "sub_agent_id" text NOT NULL,
  "context_id" text NOT NULL,
  "ref" text,
  "status" text NOT NULL,
  "metadata" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
CREATE INDEX "tasks_tenant_id_project_id_context_id_idx" ON "tasks" ("tenant_id", "project_id", "context_id");
