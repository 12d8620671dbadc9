-- new table idempotency_records (9 columns)
CREATE TABLE "idempotency_records" (
  "principal" text NOT NULL,
  "idempotency_key" text NOT NULL,
  "request_hash" text NOT NULL,
  "expected_head" text,
  "owner" text NOT NULL,
  "status" integer,
  "headers" text,
  "body" text,
  "created_at" text NOT NULL,
  PRIMARY KEY ("principal", "idempotency_key")
) WITHOUT ROWID;
CREATE INDEX "idempotency_records_created_at_idx" ON "idempotency_records" ("created_at");
-- new table intents (6 columns)
CREATE TABLE "intents" (
  "tenant_id" text NOT NULL,
  "id" text NOT NULL,
  "kind" text NOT NULL,
  "project_id" text NOT NULL,
  "payload" text NOT NULL,
  "created_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "id")
) WITHOUT ROWID;
-- new table keys (8 columns)
CREATE TABLE "keys" (
  "id" text NOT NULL,
  "name" text NOT NULL,
  "prefix" text NOT NULL,
  "hash" text NOT NULL,
  "role" text NOT NULL,
  "last_used_at" text,
  "revoked_at" text,
  "created_at" text NOT NULL,
  PRIMARY KEY ("id")
) WITHOUT ROWID;
CREATE UNIQUE INDEX "keys_name_key" ON "keys" ("name");
CREATE UNIQUE INDEX "keys_prefix_key" ON "keys" ("prefix");
-- new table project_metadata (6 columns)
CREATE TABLE "project_metadata" (
  "tenant_id" text NOT NULL,
  "id" text NOT NULL,
  "uid" text NOT NULL,
  "main_branch_name" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "id")
) WITHOUT ROWID;
CREATE UNIQUE INDEX "project_metadata_uid_key" ON "project_metadata" ("uid");
-- new table settings (4 columns)
CREATE TABLE "settings" (
  "name" text NOT NULL,
  "value" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("name")
) WITHOUT ROWID;
-- new table tenants (2 columns)
CREATE TABLE "tenants" (
  "tenant_id" text NOT NULL,
  "created_at" text NOT NULL,
  PRIMARY KEY ("tenant_id")
) WITHOUT ROWID;
