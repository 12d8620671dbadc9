//! Names of entities and columns that code with behaviour relies on.
//!
//! Generic code never names an entity. Code that gives a meaning to certain entities takes their names from here, and
//! a test holds every name against the model: renaming a column fails that test, not a request.

macro_rules! names {
    ($($module:ident = $entity:literal { $($constant:ident = $column:literal),* $(,)? })*) => {
        $(
            pub(crate) mod $module {
                pub(crate) const ENTITY: &str = $entity;
                $(pub(crate) const $constant: &str = $column;)*
            }
        )*

        #[cfg(test)]
        const USED: &[(&str, &[&str])] = &[$(($entity, &[$($column),*])),*];
    };
}

names! {
    project = "project" { STOP_WHEN = "stop_when", MODELS = "models" }
    agent = "agent" {
        CONTEXT_CONFIG = "context_config_id", STOP_WHEN = "stop_when", METADATA = "metadata",
        PROMPT = "prompt", MODELS = "models", DEFAULT_SUB_AGENT = "default_sub_agent_id",
    }
    code_project = "code_project" { STATUS = "status" }
    sub_agent = "sub_agent" {
        STOP_WHEN = "stop_when", OUTPUT_CONTRACT = "output_contract",
        HISTORY = "conversation_history_config", MODELS = "models",
    }
    tool = "tool" { LAST_ERROR = "last_error", CAPABILITIES = "capabilities", IMAGE = "image_url" }
    function_tool = "function_tool" { FUNCTION = "function_id" }
    function = "function" {}
    external_agent = "external_agent" {}
    context_config = "context_config" {}
    credential_reference = "credential_reference" { TOOL = "tool_id", USER = "user_id" }
    data_component = "data_component" {}
    artifact_component = "artifact_component" {}
    skill = "skill" {
        NAME = "name", DESCRIPTION = "description", CONTENT = "content", METADATA = "metadata",
    }
    skill_file = "skill_file" { SKILL = "skill_id", PATH = "file_path", CONTENT = "content" }
    trigger = "trigger" { AUTHENTICATION = "authentication" }
    webhook_destination = "webhook_destination" { URL = "url", SLACK_CHANNEL = "slack_channel_id" }
    sub_agent_relation = "sub_agent_relation" {
        SOURCE = "source_sub_agent_id", TARGET = "target_sub_agent_id", TYPE = "relation_type",
    }
    tool_relation = "sub_agent_tool_relation" {
        TOOL = "tool_id", SELECTED = "selected_tools", HEADERS = "headers", POLICIES = "tool_policies",
    }
    function_tool_relation = "sub_agent_function_tool_relation" {
        FUNCTION_TOOL = "function_tool_id", POLICIES = "tool_policies",
    }
    external_relation = "sub_agent_external_agent_relation" { EXTERNAL = "external_agent_id", HEADERS = "headers" }
    team_relation = "sub_agent_team_agent_relation" { TARGET = "target_agent_id", HEADERS = "headers" }
    data_relation = "sub_agent_data_component" { COMPONENT = "data_component_id" }
    artifact_relation = "sub_agent_artifact_component" { COMPONENT = "artifact_component_id" }
    evaluator = "evaluator" {}
    agent_evaluator = "agent_evaluator_relation" { EVALUATOR = "evaluator_id" }
    skill_relation = "sub_agent_skill" { SKILL = "skill_id", INDEX = "index", ALWAYS = "always_loaded" }
}

pub(crate) const TENANT: &str = "tenant_id";
pub(crate) const PROJECT: &str = "project_id";
pub(crate) const AGENT: &str = "agent_id";
pub(crate) const SUB_AGENT: &str = "sub_agent_id";
pub(crate) const CREATED_AT: &str = "created_at";
pub(crate) const UPDATED_AT: &str = "updated_at";

#[cfg(test)]
mod tests {
    #[test]
    fn every_name_is_in_the_model() {
        let model = understory_model::Model::built_in().expect("the built-in model loads");
        for (name, columns) in super::USED {
            let entity = model.entity(name).unwrap_or_else(|| panic!("no entity {name}"));
            for column in *columns {
                assert!(entity.column(column).is_some(), "{name} has no column {column}");
            }
        }
    }
}
