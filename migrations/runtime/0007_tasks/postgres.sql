-- new table tasks (11 columns)
CREATE TABLE "tasks" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "sub_agent_id" varchar(256) NOT NULL,
  "context_id" varchar(256) NOT NULL,
  "ref" text,
  "status" varchar(256) NOT NULL,
  "metadata" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
CREATE INDEX "tasks_tenant_id_project_id_context_id_idx" ON "tasks" ("tenant_id", "project_id", "context_id");
