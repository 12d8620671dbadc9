-- new table api_keys (16 columns)
CREATE TABLE "api_keys" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "agent_id" varchar(256),
  "ref" varchar(255),
  "verbs" text NOT NULL,
  "name" varchar(256),
  "public_id" varchar(256) NOT NULL,
  "key_hash" varchar(256) NOT NULL,
  "key_prefix" varchar(256) NOT NULL,
  "previous_hash" varchar(64),
  "previous_until" timestamp(3),
  "last_used_at" timestamp(3),
  "expires_at" timestamp(3),
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
CREATE UNIQUE INDEX "api_keys_public_id_key" ON "api_keys" ("public_id");
-- new table invitation (10 columns)
CREATE TABLE "invitation" (
  "tenant_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "email" varchar(320) NOT NULL,
  "role" varchar(64) NOT NULL,
  "status" varchar(64) NOT NULL,
  "projects" text NOT NULL,
  "token_hash" varchar(64) NOT NULL,
  "inviter_id" varchar(256) NOT NULL,
  "expires_at" timestamp(3) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "id")
);
CREATE UNIQUE INDEX "invitation_token_hash_key" ON "invitation" ("token_hash");
CREATE INDEX "invitation_tenant_id_email_idx" ON "invitation" ("tenant_id", "email");
-- new table member (4 columns)
CREATE TABLE "member" (
  "tenant_id" varchar(256) NOT NULL,
  "user_id" varchar(256) NOT NULL,
  "role" varchar(64) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "user_id")
);
CREATE INDEX "member_user_id_idx" ON "member" ("user_id");
-- new table project_members (5 columns)
CREATE TABLE "project_members" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "user_id" varchar(256) NOT NULL,
  "role" varchar(64) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "user_id")
);
CREATE INDEX "project_members_user_id_idx" ON "project_members" ("user_id");
-- new table session (9 columns)
CREATE TABLE "session" (
  "id" varchar(256) NOT NULL,
  "user_id" varchar(256) NOT NULL,
  "handle_hash" varchar(64) NOT NULL,
  "secret_hash" varchar(64) NOT NULL,
  "expires_at" timestamp(3) NOT NULL,
  "ip_address" varchar(64),
  "user_agent" varchar(512),
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "session_handle_hash_key" ON "session" ("handle_hash");
CREATE INDEX "session_user_id_idx" ON "session" ("user_id");
CREATE INDEX "session_expires_at_idx" ON "session" ("expires_at");
-- new table user (18 columns)
CREATE TABLE "user" (
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "email" varchar(320) NOT NULL,
  "email_verified" bool NOT NULL,
  "image" text,
  "username" varchar(64) NOT NULL,
  "first_name" varchar(256),
  "last_name" varchar(256),
  "role" varchar(64) NOT NULL,
  "is_active" bool NOT NULL,
  "preferences" text,
  "password_hash" varchar(512),
  "default_project" varchar(256) NOT NULL,
  "last_login_at" timestamp(3),
  "failed_logins" bigint NOT NULL,
  "locked_until" timestamp(3),
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "user_email_key" ON "user" ("email");
CREATE UNIQUE INDEX "user_username_key" ON "user" ("username");
-- new table user_profile (5 columns)
CREATE TABLE "user_profile" (
  "user_id" varchar(256) NOT NULL,
  "timezone" text,
  "attributes" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("user_id")
);
