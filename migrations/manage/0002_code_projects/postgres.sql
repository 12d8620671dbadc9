-- new column agent.metadata (json)
ALTER TABLE "agent" ADD COLUMN "metadata" text;
-- new table code_project_agents (7 columns)
CREATE TABLE "code_project_agents" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "code_project_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table code_projects (12 columns)
CREATE TABLE "code_projects" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "description" text,
  "repository_url" varchar(2048),
  "local_path" varchar(4096),
  "framework" varchar(256),
  "language" varchar(64) NOT NULL,
  "status" varchar(16) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
