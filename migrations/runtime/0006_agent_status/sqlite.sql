-- new table agent_status (5 columns)
CREATE TABLE "agent_status" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "status" text NOT NULL,
  "last_activity_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
