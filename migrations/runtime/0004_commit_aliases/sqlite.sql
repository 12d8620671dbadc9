-- new table commit_aliases (5 columns)
CREATE TABLE "commit_aliases" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "hash" text NOT NULL,
  "target" text NOT NULL,
  "created_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "hash")
) WITHOUT ROWID;
