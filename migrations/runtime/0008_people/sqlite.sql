-- new table api_keys (16 columns)
CREATE TABLE "api_keys" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "agent_id" text,
  "ref" text,
  "verbs" text NOT NULL,
  "name" text,
  "public_id" text NOT NULL,
  "key_hash" text NOT NULL,
  "key_prefix" text NOT NULL,
  "previous_hash" text,
  "previous_until" text,
  "last_used_at" text,
  "expires_at" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
CREATE UNIQUE INDEX "api_keys_public_id_key" ON "api_keys" ("public_id");
-- new table invitation (10 columns)
CREATE TABLE "invitation" (
  "tenant_id" text NOT NULL,
  "id" text NOT NULL,
  "email" text NOT NULL,
  "role" text NOT NULL,
  "status" text NOT NULL,
  "projects" text NOT NULL,
  "token_hash" text NOT NULL,
  "inviter_id" text NOT NULL,
  "expires_at" text NOT NULL,
  "created_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "id")
) WITHOUT ROWID;
CREATE UNIQUE INDEX "invitation_token_hash_key" ON "invitation" ("token_hash");
CREATE INDEX "invitation_tenant_id_email_idx" ON "invitation" ("tenant_id", "email");
-- new table member (4 columns)
CREATE TABLE "member" (
  "tenant_id" text NOT NULL,
  "user_id" text NOT NULL,
  "role" text NOT NULL,
  "created_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "user_id")
) WITHOUT ROWID;
CREATE INDEX "member_user_id_idx" ON "member" ("user_id");
-- new table project_members (5 columns)
CREATE TABLE "project_members" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "user_id" text NOT NULL,
  "role" text NOT NULL,
  "created_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "user_id")
) WITHOUT ROWID;
CREATE INDEX "project_members_user_id_idx" ON "project_members" ("user_id");
-- new table session (9 columns)
CREATE TABLE "session" (
  "id" text NOT NULL,
  "user_id" text NOT NULL,
  "handle_hash" text NOT NULL,
  "secret_hash" text NOT NULL,
  "expires_at" text NOT NULL,
  "ip_address" text,
  "user_agent" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("id")
) WITHOUT ROWID;
CREATE UNIQUE INDEX "session_handle_hash_key" ON "session" ("handle_hash");
CREATE INDEX "session_user_id_idx" ON "session" ("user_id");
CREATE INDEX "session_expires_at_idx" ON "session" ("expires_at");
-- new table user (18 columns)
CREATE TABLE "user" (
  "id" text NOT NULL,
  "name" text NOT NULL,
  "email" text NOT NULL,
  "email_verified" integer NOT NULL,
  "image" text,
  "username" text NOT NULL,
  "first_name" text,
  "last_name" text,
  "role" text NOT NULL,
  "is_active" integer NOT NULL,
  "preferences" text,
  "password_hash" text,
  "default_project" text NOT NULL,
  "last_login_at" text,
  "failed_logins" integer NOT NULL,
  "locked_until" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("id")
) WITHOUT ROWID;
CREATE UNIQUE INDEX "user_email_key" ON "user" ("email");
CREATE UNIQUE INDEX "user_username_key" ON "user" ("username");
-- new table user_profile (5 columns)
CREATE TABLE "user_profile" (
  "user_id" text NOT NULL,
  "timezone" text,
  "attributes" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("user_id")
) WITHOUT ROWID;
