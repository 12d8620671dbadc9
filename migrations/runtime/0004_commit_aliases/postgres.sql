-- new table commit_aliases (5 columns)
CREATE TABLE "commit_aliases" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "hash" varchar(64) NOT NULL,
  "target" varchar(64) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "hash")
);
