-- new table audit (9 columns)
CREATE TABLE "audit" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "principal" varchar(256) NOT NULL,
  "action" varchar(64) NOT NULL,
  "subject" varchar(64) NOT NULL,
  "subject_id" varchar(256) NOT NULL,
  "details" text,
  "created_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
CREATE INDEX "audit_tenant_id_project_id_created_at_idx" ON "audit" ("tenant_id", "project_id", "created_at");
CREATE INDEX "audit_tenant_id_project_id_subject_id_idx" ON "audit" ("tenant_id", "project_id", "subject_id");
-- new table conversations (17 columns)
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
  "events" bigint NOT NULL,
  "last_context_resolution" timestamp(3),
  "metadata" text,
  "user_properties" text,
  "properties" text,
  "archived_at" timestamp(3),
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
CREATE INDEX "conversations_tenant_id_project_id_updated_at_idx" ON "conversations" ("tenant_id", "project_id", "updated_at");
CREATE INDEX "conversations_tenant_id_project_id_agent_id_updated_at_idx" ON "conversations" ("tenant_id", "project_id", "agent_id", "updated_at");
CREATE INDEX "conversations_tenant_id_project_id_user_id_updated_at_idx" ON "conversations" ("tenant_id", "project_id", "user_id", "updated_at");
-- new table feedback (9 columns)
CREATE TABLE "feedback" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "conversation_id" varchar(256) NOT NULL,
  "message_id" varchar(256),
  "type" varchar(20) NOT NULL,
  "details" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
CREATE INDEX "feedback_tenant_id_project_id_conversation_id_idx" ON "feedback" ("tenant_id", "project_id", "conversation_id");
CREATE INDEX "feedback_tenant_id_project_id_message_id_idx" ON "feedback" ("tenant_id", "project_id", "message_id");
-- new table generations (9 columns)
CREATE TABLE "generations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "conversation_id" varchar(256) NOT NULL,
  "owner" varchar(64) NOT NULL,
  "after_event" bigint NOT NULL,
  "stop_asked_at" timestamp(3),
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
CREATE INDEX "generations_owner_idx" ON "generations" ("owner");
-- new table messages (26 columns)
CREATE TABLE "messages" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "conversation_id" varchar(256) NOT NULL,
  "position" bigint NOT NULL,
  "role" varchar(256) NOT NULL,
  "from_sub_agent_id" varchar(256),
  "to_sub_agent_id" varchar(256),
  "from_external_sub_agent_id" varchar(256),
  "to_external_sub_agent_id" varchar(256),
  "from_team_agent_id" varchar(256),
  "to_team_agent_id" varchar(256),
  "content" text NOT NULL,
  "status" varchar(64) NOT NULL,
  "visibility" varchar(256) NOT NULL,
  "message_type" varchar(256) NOT NULL,
  "task_id" varchar(256),
  "parent_message_id" varchar(256),
  "a2a_task_id" varchar(256),
  "a2a_session_id" varchar(256),
  "commit_hash" varchar(64),
  "metadata" text,
  "user_properties" text,
  "properties" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
CREATE UNIQUE INDEX "messages_tenant_id_project_id_conversation_id_position_key" ON "messages" ("tenant_id", "project_id", "conversation_id", "position");
-- new table stream_chunks (7 columns)
CREATE TABLE "stream_chunks" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "conversation_id" varchar(256) NOT NULL,
  "idx" bigint NOT NULL,
  "data" text NOT NULL,
  "is_final" bool NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "conversation_id", "idx")
);
CREATE INDEX "stream_chunks_created_at_idx" ON "stream_chunks" ("created_at");
