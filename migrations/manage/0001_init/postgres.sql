-- new table agent (14 columns)
CREATE TABLE "agent" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "description" text,
  "prompt" text,
  "default_sub_agent_id" varchar(256),
  "context_config_id" varchar(256),
  "models" text,
  "stop_when" text,
  "status_updates" text,
  "execution_mode" varchar(50) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table agent_dataset_relations (7 columns)
CREATE TABLE "agent_dataset_relations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "dataset_id" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table agent_evaluator_relations (7 columns)
CREATE TABLE "agent_evaluator_relations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "evaluator_id" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table artifact_components (9 columns)
CREATE TABLE "artifact_components" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "description" text,
  "props" text,
  "render" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table context_configs (8 columns)
CREATE TABLE "context_configs" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "headers_schema" text,
  "context_variables" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
);
-- new table credential_references (12 columns)
CREATE TABLE "credential_references" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "type" varchar(256) NOT NULL,
  "credential_store_id" varchar(256) NOT NULL,
  "retrieval_params" text,
  "tool_id" varchar(256),
  "user_id" varchar(256),
  "created_by" varchar(256),
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table data_components (9 columns)
CREATE TABLE "data_components" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "description" text,
  "props" text NOT NULL,
  "render" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table dataset (6 columns)
CREATE TABLE "dataset" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table dataset_item (8 columns)
CREATE TABLE "dataset_item" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "dataset_id" varchar(256) NOT NULL,
  "input" text NOT NULL,
  "expected_output" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table dataset_run_config (9 columns)
CREATE TABLE "dataset_run_config" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "description" text,
  "dataset_id" varchar(256) NOT NULL,
  "dispatch_delay_ms" bigint,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table dataset_run_config_agent_relations (7 columns)
CREATE TABLE "dataset_run_config_agent_relations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "dataset_run_config_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table dataset_run_config_evaluator_relations (7 columns)
CREATE TABLE "dataset_run_config_evaluator_relations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "dataset_run_config_id" varchar(256) NOT NULL,
  "evaluator_id" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table evaluation_job_config (6 columns)
CREATE TABLE "evaluation_job_config" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "job_filters" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table evaluation_job_config_evaluator_relations (7 columns)
CREATE TABLE "evaluation_job_config_evaluator_relations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "evaluation_job_config_id" varchar(256) NOT NULL,
  "evaluator_id" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table evaluation_run_config (8 columns)
CREATE TABLE "evaluation_run_config" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "description" text,
  "is_active" bool NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table evaluation_run_config_evaluation_suite_config_relations (7 columns)
CREATE TABLE "evaluation_run_config_evaluation_suite_config_relations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "evaluation_run_config_id" varchar(256) NOT NULL,
  "evaluation_suite_config_id" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table evaluation_suite_config (7 columns)
CREATE TABLE "evaluation_suite_config" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "filters" text,
  "sample_rate" double precision,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table evaluation_suite_config_evaluator_relations (7 columns)
CREATE TABLE "evaluation_suite_config_evaluator_relations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "evaluation_suite_config_id" varchar(256) NOT NULL,
  "evaluator_id" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table evaluator (11 columns)
CREATE TABLE "evaluator" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "description" text,
  "prompt" text NOT NULL,
  "schema" text NOT NULL,
  "model" text NOT NULL,
  "pass_criteria" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table external_agents (9 columns)
CREATE TABLE "external_agents" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "description" text,
  "base_url" text NOT NULL,
  "credential_reference_id" varchar(256),
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table function_tools (9 columns)
CREATE TABLE "function_tools" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "description" text,
  "function_id" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
);
-- new table functions (8 columns)
CREATE TABLE "functions" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "input_schema" text,
  "execute_code" text NOT NULL,
  "dependencies" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table projects (8 columns)
CREATE TABLE "projects" (
  "tenant_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "description" text,
  "models" text,
  "stop_when" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "id")
);
-- new table skill_files (8 columns)
CREATE TABLE "skill_files" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "skill_id" varchar(64) NOT NULL,
  "file_path" varchar(1024) NOT NULL,
  "content" text NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table skills (9 columns)
CREATE TABLE "skills" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(64) NOT NULL,
  "name" varchar(64) NOT NULL,
  "description" text NOT NULL,
  "content" text NOT NULL,
  "metadata" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table sub_agent_artifact_components (7 columns)
CREATE TABLE "sub_agent_artifact_components" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "sub_agent_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "artifact_component_id" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "sub_agent_id", "id")
);
-- new table sub_agent_data_components (7 columns)
CREATE TABLE "sub_agent_data_components" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "sub_agent_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "data_component_id" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table sub_agent_external_agent_relations (9 columns)
CREATE TABLE "sub_agent_external_agent_relations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "sub_agent_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "external_agent_id" varchar(256) NOT NULL,
  "headers" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
);
-- new table sub_agent_function_tool_relations (9 columns)
CREATE TABLE "sub_agent_function_tool_relations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "sub_agent_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "function_tool_id" varchar(256) NOT NULL,
  "tool_policies" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
);
-- new table sub_agent_relations (9 columns)
CREATE TABLE "sub_agent_relations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "source_sub_agent_id" varchar(256) NOT NULL,
  "target_sub_agent_id" varchar(256),
  "relation_type" varchar(256),
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
);
-- new table sub_agent_skills (10 columns)
CREATE TABLE "sub_agent_skills" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "sub_agent_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "skill_id" varchar(64) NOT NULL,
  "index" numeric NOT NULL,
  "always_loaded" bool NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
);
-- new table sub_agent_team_agent_relations (9 columns)
CREATE TABLE "sub_agent_team_agent_relations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "sub_agent_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "target_agent_id" varchar(256) NOT NULL,
  "headers" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
);
-- new table sub_agent_tool_relations (11 columns)
CREATE TABLE "sub_agent_tool_relations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "sub_agent_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "tool_id" varchar(256) NOT NULL,
  "selected_tools" text,
  "headers" text,
  "tool_policies" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
);
-- new table sub_agents (13 columns)
CREATE TABLE "sub_agents" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "description" text,
  "prompt" text,
  "models" text,
  "stop_when" text,
  "conversation_history_config" text,
  "output_contract" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
);
-- new table tools (15 columns)
CREATE TABLE "tools" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "description" text,
  "config" text NOT NULL,
  "credential_reference_id" varchar(256),
  "credential_scope" varchar(50) NOT NULL,
  "headers" text,
  "image_url" text,
  "capabilities" text,
  "last_error" text,
  "is_work_app" bool NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table trigger_users (6 columns)
CREATE TABLE "trigger_users" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "trigger_id" varchar(256) NOT NULL,
  "user_id" varchar(256) NOT NULL,
  "created_at" timestamptz(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "trigger_id", "user_id")
);
-- new table triggers (18 columns)
CREATE TABLE "triggers" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "description" text,
  "enabled" bool NOT NULL,
  "input_schema" text,
  "output_transform" text,
  "message_template" text,
  "authentication" text,
  "signing_secret_credential_reference_id" varchar(256),
  "signature_verification" text,
  "run_as_user_id" varchar(256),
  "dispatch_delay_ms" bigint,
  "created_by" varchar(256),
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
);
-- new table webhook_destination_agents (7 columns)
CREATE TABLE "webhook_destination_agents" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "webhook_destination_id" varchar(256) NOT NULL,
  "agent_id" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table webhook_destination_evaluators (7 columns)
CREATE TABLE "webhook_destination_evaluators" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "webhook_destination_id" varchar(256) NOT NULL,
  "evaluator_id" varchar(256) NOT NULL,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
-- new table webhook_destinations (12 columns)
CREATE TABLE "webhook_destinations" (
  "tenant_id" varchar(256) NOT NULL,
  "project_id" varchar(256) NOT NULL,
  "id" varchar(256) NOT NULL,
  "name" varchar(256) NOT NULL,
  "description" text,
  "enabled" bool NOT NULL,
  "url" text,
  "slack_channel_id" varchar(256),
  "event_types" text NOT NULL,
  "headers" text,
  "created_at" timestamp(3) NOT NULL,
  "updated_at" timestamp(3) NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
);
