-- new table audit (9 columns)
CREATE TABLE "audit" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "principal" text NOT NULL,
  "action" text NOT NULL,
  "subject" text NOT NULL,
  "subject_id" text NOT NULL,
  "details" text,
  "created_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
CREATE INDEX "audit_tenant_id_project_id_created_at_idx" ON "audit" ("tenant_id", "project_id", "created_at");
CREATE INDEX "audit_tenant_id_project_id_subject_id_idx" ON "audit" ("tenant_id", "project_id", "subject_id");
-- new table conversations (17 columns)
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
  "events" integer NOT NULL,
  "last_context_resolution" text,
  "metadata" text,
  "user_properties" text,
  "properties" text,
  "archived_at" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
CREATE INDEX "conversations_tenant_id_project_id_updated_at_idx" ON "conversations" ("tenant_id", "project_id", "updated_at");
CREATE INDEX "conversations_tenant_id_project_id_agent_id_updated_at_idx" ON "conversations" ("tenant_id", "project_id", "agent_id", "updated_at");
CREATE INDEX "conversations_tenant_id_project_id_user_id_updated_at_idx" ON "conversations" ("tenant_id", "project_id", "user_id", "updated_at");
-- new table feedback (9 columns)
CREATE TABLE "feedback" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "conversation_id" text NOT NULL,
  "message_id" text,
  "type" text NOT NULL,
  "details" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
CREATE INDEX "feedback_tenant_id_project_id_conversation_id_idx" ON "feedback" ("tenant_id", "project_id", "conversation_id");
CREATE INDEX "feedback_tenant_id_project_id_message_id_idx" ON "feedback" ("tenant_id", "project_id", "message_id");
-- new table generations (9 columns)
CREATE TABLE "generations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "conversation_id" text NOT NULL,
  "owner" text NOT NULL,
  "after_event" integer NOT NULL,
  "stop_asked_at" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
CREATE INDEX "generations_owner_idx" ON "generations" ("owner");
-- new table messages (26 columns)
CREATE TABLE "messages" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "conversation_id" text NOT NULL,
  "position" integer NOT NULL,
  "role" text NOT NULL,
  "from_sub_agent_id" text,
  "to_sub_agent_id" text,
  "from_external_sub_agent_id" text,
  "to_external_sub_agent_id" text,
  "from_team_agent_id" text,
  "to_team_agent_id" text,
  "content" text NOT NULL,
  "status" text NOT NULL,
  "visibility" text NOT NULL,
  "message_type" text NOT NULL,
  "task_id" text,
  "parent_message_id" text,
  "a2a_task_id" text,
  "a2a_session_id" text,
  "commit_hash" text,
  "metadata" text,
  "user_properties" text,
  "properties" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
CREATE UNIQUE INDEX "messages_tenant_id_project_id_conversation_id_position_key" ON "messages" ("tenant_id", "project_id", "conversation_id", "position");
-- new table stream_chunks (7 columns)
CREATE TABLE "stream_chunks" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "conversation_id" text NOT NULL,
  "idx" integer NOT NULL,
  "data" text NOT NULL,
  "is_final" integer NOT NULL,
  "created_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "conversation_id", "idx")
) WITHOUT ROWID;
CREATE INDEX "stream_chunks_created_at_idx" ON "stream_chunks" ("created_at");
