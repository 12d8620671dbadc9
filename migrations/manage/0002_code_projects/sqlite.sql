-- new column agent.metadata (json)
ALTER TABLE "agent" ADD COLUMN "metadata" text;
-- new table code_project_agents (7 columns)
CREATE TABLE "code_project_agents" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "code_project_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table code_projects (12 columns)
CREATE TABLE "code_projects" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "repository_url" text,
  "local_path" text,
  "framework" text,
  "language" text NOT NULL,
  "status" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
