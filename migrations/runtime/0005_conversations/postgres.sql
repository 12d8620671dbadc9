-- new table conversations (13 columns)
CREATE TABLE "conversations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "agent_id" varchar(256),
  "active_sub_agent_id" varchar(256) NOT NULL,
  "user_id" varchar(256),
  "title" text,
  "ref" text,
  "messages" bigint NOT NULL,
  "metadata" text,
  "archived_at" timestamp(3),
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
CREATE INDEX "conversations_tenant_id_project_id_updated_at_idx" ON "conversations" ("tenant_id", "project_id", "updated_at");
CREATE INDEX "conversations_tenant_id_project_id_agent_id_updated_at_idx" ON "conversations" ("tenant_id", "project_id", "agent_id", "updated_at");
-- new table messages (15 columns)
CREATE TABLE "messages" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "conversation_id" varchar(256) NOT NULL,
  "position" bigint NOT NULL,
  "role" varchar(64) NOT NULL,
  "content" text NOT NULL,
  "visibility" varchar(64) NOT NULL,
  "message_type" varchar(64) NOT NULL,
  "task_id" varchar(256),
  "parent_message_id" varchar(256),
  "commit_hash" varchar(64),
  "metadata" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
CREATE UNIQUE INDEX "messages_tenant_id_project_id_conversation_id_position_key" ON "messages" ("tenant_id", "project_id", "conversation_id", "position");
