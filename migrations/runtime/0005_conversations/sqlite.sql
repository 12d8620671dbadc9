-- new table conversations (13 columns)
CREATE TABLE "conversations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "agent_id" text,
  "active_sub_agent_id" text NOT NULL,
  "user_id" text,
  "title" text,
  "ref" text,
  "messages" integer NOT NULL,
  "metadata" text,
  "archived_at" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
CREATE INDEX "conversations_tenant_id_project_id_updated_at_idx" ON "conversations" ("tenant_id", "project_id", "updated_at");
CREATE INDEX "conversations_tenant_id_project_id_agent_id_updated_at_idx" ON "conversations" ("tenant_id", "project_id", "agent_id", "updated_at");
-- new table messages (15 columns)
CREATE TABLE "messages" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "conversation_id" text NOT NULL,
  "position" integer NOT NULL,
  "role" text NOT NULL,
  "content" text NOT NULL,
  "visibility" text NOT NULL,
  "message_type" text NOT NULL,
  "task_id" text,
  "parent_message_id" text,
  "commit_hash" text,
  "metadata" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
CREATE UNIQUE INDEX "messages_tenant_id_project_id_conversation_id_position_key" ON "messages" ("tenant_id", "project_id", "conversation_id", "position");
