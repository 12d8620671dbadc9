-- new table agent_status (5 columns)
CREATE TABLE "agent_status" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "status" varchar(16) NOT NULL,
  "last_activity_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
