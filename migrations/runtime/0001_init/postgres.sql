-- new table idempotency_records (9 columns)
CREATE TABLE "idempotency_records" (
  "principal" varchar(256) NOT NULL,
  "idempotency_key" varchar(256) NOT NULL,
  "request_hash" varchar(64) NOT NULL,
  "expected_head" varchar(64),
  "owner" varchar(64) NOT NULL,
  "status" bigint,
  "headers" text,
  "body" text,
  "created_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("principal", "idempotency_key")
);
CREATE INDEX "idempotency_records_created_at_idx" ON "idempotency_records" ("created_at");
-- new table intents (6 columns)
CREATE TABLE "intents" (
  "tenant_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "kind" varchar(64) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "payload" text NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "id")
);
-- new table keys (8 columns)
CREATE TABLE "keys" (
  "id" varchar(256) NOT NULL,
  "name" varchar(64) NOT NULL,
  "prefix" varchar(64) NOT NULL,
  "hash" varchar(64) NOT NULL,
  "role" varchar(64) NOT NULL,
  "last_used_at" timestamp(3),
  "revoked_at" timestamp(3),
  "created_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "keys_name_key" ON "keys" ("name");
CREATE UNIQUE INDEX "keys_prefix_key" ON "keys" ("prefix");
-- new table project_metadata (6 columns)
CREATE TABLE "project_metadata" (
  "tenant_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "uid" varchar(64) NOT NULL,
  "main_branch_name" varchar(768) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "id")
);
CREATE UNIQUE INDEX "project_metadata_uid_key" ON "project_metadata" ("uid");
-- new table settings (4 columns)
CREATE TABLE "settings" (
  "name" varchar(128) NOT NULL,
  "value" text NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("name")
);
-- new table tenants (2 columns)
CREATE TABLE "tenants" (
  "tenant_id" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id")
);
