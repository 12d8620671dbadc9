-- new table agent (14 columns)
CREATE TABLE "agent" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "prompt" text,
  "default_sub_agent_id" text,
  "context_config_id" text,
  "models" text,
  "stop_when" text,
  "status_updates" text,
  "execution_mode" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table agent_dataset_relations (7 columns)
CREATE TABLE "agent_dataset_relations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "agent_id" text NOT NULL,
  "dataset_id" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table agent_evaluator_relations (7 columns)
CREATE TABLE "agent_evaluator_relations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "agent_id" text NOT NULL,
  "evaluator_id" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table artifact_components (9 columns)
CREATE TABLE "artifact_components" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "props" text,
  "render" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table context_configs (8 columns)
CREATE TABLE "context_configs" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "id" text NOT NULL,
  "headers_schema" text,
  "context_variables" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
) WITHOUT ROWID;
-- new table credential_references (12 columns)
CREATE TABLE "credential_references" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "type" text NOT NULL,
  "credential_store_id" text NOT NULL,
  "retrieval_params" text,
  "tool_id" text,
  "user_id" text,
  "created_by" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table data_components (9 columns)
CREATE TABLE "data_components" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "props" text NOT NULL,
  "render" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table dataset (6 columns)
CREATE TABLE "dataset" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table dataset_item (8 columns)
CREATE TABLE "dataset_item" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "dataset_id" text NOT NULL,
  "input" text NOT NULL,
  "expected_output" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table dataset_run_config (9 columns)
CREATE TABLE "dataset_run_config" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "dataset_id" text NOT NULL,
  "dispatch_delay_ms" integer,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table dataset_run_config_agent_relations (7 columns)
CREATE TABLE "dataset_run_config_agent_relations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "dataset_run_config_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table dataset_run_config_evaluator_relations (7 columns)
CREATE TABLE "dataset_run_config_evaluator_relations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "dataset_run_config_id" text NOT NULL,
  "evaluator_id" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table evaluation_job_config (6 columns)
CREATE TABLE "evaluation_job_config" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "job_filters" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table evaluation_job_config_evaluator_relations (7 columns)
CREATE TABLE "evaluation_job_config_evaluator_relations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "evaluation_job_config_id" text NOT NULL,
  "evaluator_id" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table evaluation_run_config (8 columns)
CREATE TABLE "evaluation_run_config" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "is_active" integer NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table evaluation_run_config_evaluation_suite_config_relations (7 columns)
CREATE TABLE "evaluation_run_config_evaluation_suite_config_relations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "evaluation_run_config_id" text NOT NULL,
  "evaluation_suite_config_id" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table evaluation_suite_config (7 columns)
CREATE TABLE "evaluation_suite_config" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "filters" text,
  "sample_rate" real,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table evaluation_suite_config_evaluator_relations (7 columns)
CREATE TABLE "evaluation_suite_config_evaluator_relations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "evaluation_suite_config_id" text NOT NULL,
  "evaluator_id" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table evaluator (11 columns)
CREATE TABLE "evaluator" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "prompt" text NOT NULL,
  "schema" text NOT NULL,
  "model" text NOT NULL,
  "pass_criteria" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table external_agents (9 columns)
CREATE TABLE "external_agents" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "base_url" text NOT NULL,
  "credential_reference_id" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table function_tools (9 columns)
CREATE TABLE "function_tools" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "function_id" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
) WITHOUT ROWID;
-- new table functions (8 columns)
CREATE TABLE "functions" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "input_schema" text,
  "execute_code" text NOT NULL,
  "dependencies" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table projects (8 columns)
CREATE TABLE "projects" (
  "tenant_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "models" text,
  "stop_when" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "id")
) WITHOUT ROWID;
-- new table skill_files (8 columns)
CREATE TABLE "skill_files" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "skill_id" text NOT NULL,
  "file_path" text NOT NULL,
  "content" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table skills (9 columns)
CREATE TABLE "skills" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text NOT NULL,
  "content" text NOT NULL,
  "metadata" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table sub_agent_artifact_components (7 columns)
CREATE TABLE "sub_agent_artifact_components" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "sub_agent_id" text NOT NULL,
  "id" text NOT NULL,
  "artifact_component_id" text NOT NULL,
  "created_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "sub_agent_id", "id")
) WITHOUT ROWID;
-- new table sub_agent_data_components (7 columns)
CREATE TABLE "sub_agent_data_components" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "sub_agent_id" text NOT NULL,
  "id" text NOT NULL,
  "data_component_id" text NOT NULL,
  "created_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table sub_agent_external_agent_relations (9 columns)
CREATE TABLE "sub_agent_external_agent_relations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "sub_agent_id" text NOT NULL,
  "id" text NOT NULL,
  "external_agent_id" text NOT NULL,
  "headers" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
) WITHOUT ROWID;
-- new table sub_agent_function_tool_relations (9 columns)
CREATE TABLE "sub_agent_function_tool_relations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "sub_agent_id" text NOT NULL,
  "id" text NOT NULL,
  "function_tool_id" text NOT NULL,
  "tool_policies" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
) WITHOUT ROWID;
-- new table sub_agent_relations (9 columns)
CREATE TABLE "sub_agent_relations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "id" text NOT NULL,
  "source_sub_agent_id" text NOT NULL,
  "target_sub_agent_id" text,
  "relation_type" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
) WITHOUT ROWID;
-- new table sub_agent_skills (10 columns)
CREATE TABLE "sub_agent_skills" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "sub_agent_id" text NOT NULL,
  "id" text NOT NULL,
  "skill_id" text NOT NULL,
  "index" numeric NOT NULL,
  "always_loaded" integer NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
) WITHOUT ROWID;
-- new table sub_agent_team_agent_relations (9 columns)
CREATE TABLE "sub_agent_team_agent_relations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "sub_agent_id" text NOT NULL,
  "id" text NOT NULL,
  "target_agent_id" text NOT NULL,
  "headers" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
) WITHOUT ROWID;
-- new table sub_agent_tool_relations (11 columns)
CREATE TABLE "sub_agent_tool_relations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "sub_agent_id" text NOT NULL,
  "id" text NOT NULL,
  "tool_id" text NOT NULL,
  "selected_tools" text,
  "headers" text,
  "tool_policies" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
) WITHOUT ROWID;
-- new table sub_agents (13 columns)
CREATE TABLE "sub_agents" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "prompt" text,
  "models" text,
  "stop_when" text,
  "conversation_history_config" text,
  "output_contract" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
) WITHOUT ROWID;
-- new table tools (15 columns)
CREATE TABLE "tools" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "config" text NOT NULL,
  "credential_reference_id" text,
  "credential_scope" text NOT NULL,
  "headers" text,
  "image_url" text,
  "capabilities" text,
  "last_error" text,
  "is_work_app" integer NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table trigger_users (6 columns)
CREATE TABLE "trigger_users" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "trigger_id" text NOT NULL,
  "user_id" text NOT NULL,
  "created_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "trigger_id", "user_id")
) WITHOUT ROWID;
-- new table triggers (18 columns)
CREATE TABLE "triggers" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "enabled" integer NOT NULL,
  "input_schema" text,
  "output_transform" text,
  "message_template" text,
  "authentication" text,
  "signing_secret_credential_reference_id" text,
  "signature_verification" text,
  "run_as_user_id" text,
  "dispatch_delay_ms" integer,
  "created_by" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "agent_id", "id")
) WITHOUT ROWID;
-- new table webhook_destination_agents (7 columns)
CREATE TABLE "webhook_destination_agents" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "webhook_destination_id" text NOT NULL,
  "agent_id" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table webhook_destination_evaluators (7 columns)
CREATE TABLE "webhook_destination_evaluators" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "webhook_destination_id" text NOT NULL,
  "evaluator_id" text NOT NULL,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
-- new table webhook_destinations (12 columns)
CREATE TABLE "webhook_destinations" (
  "tenant_id" text NOT NULL,
  "project_id" text NOT NULL,
  "id" text NOT NULL,
  "name" text NOT NULL,
  "description" text,
  "enabled" integer NOT NULL,
  "url" text,
  "slack_channel_id" text,
  "event_types" text NOT NULL,
  "headers" text,
  "created_at" text NOT NULL,
  "updated_at" text NOT NULL,
  PRIMARY KEY ("tenant_id", "project_id", "id")
) WITHOUT ROWID;
