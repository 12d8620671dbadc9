//! OpenAPI operations of the route table.

use serde_json::{Map, Value, json};
use understory::model::{Entity, Model, Shape, wire_schema};
use understory::{Action, Route, list_parameters, with_columns};

/// The description of one route.
pub(super) fn of_route(model: &Model, route: &Route) -> Value {
    let mut operation = json!({
        "operationId": route.operation,
        "tags": [route.tag],
        "summary": summary(route),
        "parameters": parameters(route),
        "responses": responses(model, route),
    });
    if let Some(schema) = request(route) {
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    operation
}

fn summary(route: &Route) -> String {
    let words = route.operation.replace('-', " ");
    let mut chars = words.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// A path parameter for every placeholder.
pub(super) fn path_parameters(path: &str) -> Vec<Value> {
    let name = |segment: &str| Some(segment.strip_prefix('{')?.strip_suffix('}')?.to_owned());
    let parameter = |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } });
    path.split('/').filter_map(name).map(parameter).collect()
}

/// An optional query parameter.
pub(super) fn query_parameter(name: &str, ty: &str) -> Value {
    json!({ "name": name, "in": "query", "required": false, "schema": { "type": ty } })
}

/// The ref that reads are made at and writes go to.
pub(super) fn ref_parameter() -> Value {
    let mut parameter = query_parameter("ref", "string");
    parameter["description"] = "A branch, a tag or a commit; the project's main if absent.".into();
    parameter
}

fn parameters(route: &Route) -> Vec<Value> {
    let mut parameters = path_parameters(&route.path);
    parameters.push(ref_parameter());
    if let Action::List(entity) = &route.action {
        parameters.extend(list_parameters(entity).into_iter().map(|(name, ty)| query_parameter(&name, ty)));
    }
    if matches!(route.action, Action::RelationsByRight(_)) {
        parameters.extend(["page", "limit"].map(|name| query_parameter(name, "integer")));
    }
    if matches!(route.action, Action::History(_)) {
        parameters.extend([("limit", "integer"), ("cursor", "string")].map(|(name, ty)| query_parameter(name, ty)));
    }
    if matches!(route.action, Action::ToolStatus) {
        parameters.push(query_parameter("status", "string"));
    }
    parameters
}

/// A reference to a component schema.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn data(schema: Value) -> Value {
    json!({ "type": "object", "properties": { "data": schema }, "required": ["data"] })
}

fn list(schema: &Value) -> Value {
    json!({
        "type": "object",
        "properties": { "data": { "type": "array", "items": schema }, "pagination": reference("Pagination") },
        "required": ["data"]
    })
}

fn request(route: &Route) -> Option<Value> {
    let ids = json!({ "type": "object", "required": ["evaluatorIds"], "properties": { "evaluatorIds": { "type": "array", "items": { "type": "string" } } } });
    Some(match &route.action {
        Action::Create(entity) | Action::PairCreate(entity) => reference(&format!("{}Create", entity.schema)),
        Action::CreateMany(entity) => {
            json!({ "type": "array", "items": reference(&format!("{}Create", entity.schema)) })
        }
        Action::Update(entity) => reference(&format!("{}Update", entity.schema)),
        Action::Restore(_) => reference("Restore"),
        Action::SetAdd(entity) => {
            let name = set_value(entity);
            json!({ "type": "object", "properties": { name.as_str(): { "type": "string" } }, "required": [name] })
        }
        Action::SetReplace(entity) => {
            let name = format!("{}s", set_value(entity));
            let values = json!({ "type": "array", "items": { "type": "string" } });
            json!({ "type": "object", "properties": { name.as_str(): values }, "required": [name] })
        }
        Action::AgentCreate | Action::AgentPut => reference("AgentWithinContextOfProject"),
        Action::EvaluatorsBatch | Action::EvaluatorScopes => ids,
        _ => return None,
    })
}

fn set_value(entity: &Entity) -> String {
    let side = entity.association.as_ref().map(|association| association.right.column.as_str());
    understory::model::camel_case(side.unwrap_or_default())
}

fn responses(model: &Model, route: &Route) -> Value {
    let (status, schema) = success(model, route);
    let mut answer = json!({ "description": "Done." });
    if let Some(schema) = schema {
        answer["content"] = json!({ "application/json": { "schema": schema } });
    }
    let mut responses = refusals(!route.action.is_read(), PROBLEM);
    responses[status.to_string()] = answer;
    if matches!(route.action, Action::AgentPut) {
        responses["201"] = responses["200"].clone();
    }
    responses
}

/// How a refusal looks: its media type and schema.
pub(super) type Refusal = (&'static str, &'static str);
pub(super) const PROBLEM: Refusal = ("application/problem+json", "Problem");
pub(super) const ENVELOPE: Refusal = ("application/json", "ApiError");

/// The refusals that every operation may answer.
pub(super) fn refusals(writes: bool, form: Refusal) -> Value {
    let all: &[u16] = &[400, 401, 403, 404, 500, 503];
    let of_writes: &[u16] = if writes { &[409, 412, 413, 422, 507] } else { &[] };
    let refusals = all.iter().chain(of_writes);
    refusals.map(|status| (status.to_string(), refusal(*status, form))).collect::<Map<_, _>>().into()
}

/// The refusal of a status.
pub(super) fn refusal(status: u16, (media, schema): Refusal) -> Value {
    let text = match status {
        400 => "The request breaks the model or makes no sense.",
        401 => "Nobody known: no valid key, token or password.",
        403 => "Not for whoever asks.",
        404 => "There is no such thing, or it is hidden from whoever asks.",
        409 => "It clashes with what is there.",
        412 => "If-Match names another state.",
        413 => "The body is too large.",
        422 => "Understood and not possible.",
        429 => "Too many tries.",
        503 => "The store is busy.",
        507 => "The disk is full.",
        _ => "The server failed.",
    };
    json!({ "description": text, "content": { media: { "schema": reference(schema) } } })
}

fn success(model: &Model, route: &Route) -> (u16, Option<Value>) {
    match &route.action {
        Action::List(entity) => (200, Some(reference(&format!("{}ListResponse", entity.schema)))),
        Action::Get(entity) | Action::Update(entity) => (200, Some(reference(&format!("{}Response", entity.schema)))),
        Action::Create(entity) | Action::PairCreate(entity) => {
            (201, Some(reference(&format!("{}Response", entity.schema))))
        }
        Action::History(_) => (200, Some(reference("RowHistoryResponse"))),
        Action::Blame(_) => (200, Some(reference("RowBlameResponse"))),
        Action::Restore(_) => (200, Some(reference("BroughtResponse"))),
        Action::CreateMany(entity) => (201, Some(list(&reference(&entity.schema)))),
        Action::NestedAdd(entity) if bare(entity) => (201, Some(reference(&entity.schema))),
        Action::NestedAdd(entity) => (201, Some(data(reference(&entity.schema)))),
        Action::NestedList(entity) if bare(entity) => {
            (200, Some(json!({ "type": "array", "items": reference(&entity.schema) })))
        }
        Action::NestedList(entity) | Action::RelationsByRight(entity) => (200, Some(list(&reference(&entity.schema)))),
        Action::ListByLeft(entity) => (200, Some(list(&right_schema(model, entity)))),
        Action::Associations(_) => {
            (200, Some(data(json!({ "type": "array", "items": reference("ComponentAssociation") }))))
        }
        Action::PairExists(_) => (
            200,
            Some(
                json!({ "type": "object", "properties": { "exists": { "type": "boolean" } }, "required": ["exists"] }),
            ),
        ),
        Action::Delete(_) | Action::AgentDelete => (204, None),
        Action::PairDelete(entity) if removed_empty(entity) => (204, None),
        Action::PairDelete(_) => (200, Some(reference("RemovedResponse"))),
        Action::SetRemove(entity) if removed_empty(entity) => (204, None),
        Action::SetList(_) | Action::SetReplace(_) | Action::SetRemove(_) => (200, Some(reference("ValuesResponse"))),
        Action::SetAdd(_) => (201, Some(reference("ValuesResponse"))),
        Action::AgentCreate => (201, Some(data(reference("AgentWithinContextOfProject")))),
        Action::AgentGet | Action::AgentPut => (200, Some(data(reference("AgentWithinContextOfProject")))),
        Action::RelatedAgents => (200, Some(list(&reference("RelatedAgent")))),
        Action::ToolStatus => (200, Some(data(json!({ "type": "array", "items": reference("ToolStatus") })))),
        Action::EvaluatorsBatch => (200, Some(data(json!({ "type": "array", "items": reference("Evaluator") })))),
        Action::EvaluatorScopes => {
            let ids = json!({ "type": "array", "items": { "type": "string" } });
            (200, Some(data(json!({ "type": "object", "additionalProperties": ids }))))
        }
    }
}

fn bare(entity: &Entity) -> bool {
    entity.association.as_ref().is_some_and(|association| association.bare)
}

fn removed_empty(entity: &Entity) -> bool {
    entity
        .association
        .as_ref()
        .is_some_and(|association| association.removed_empty || association.shape == Shape::Nested)
}

/// A row of the right side, and what the list adds to it of the relation.
fn right_schema(model: &Model, entity: &Entity) -> Value {
    let Some(association) = &entity.association else { return json!({ "type": "object" }) };
    let target = entity.references.iter().find(|reference| reference.column == association.right.column);
    let target = target.and_then(|reference| model.entity(&reference.entity));
    let target = target.map_or_else(|| json!({ "type": "object" }), |target| reference(&target.schema));
    let with = with_columns(entity);
    if with.is_empty() {
        return target;
    }
    let own = wire_schema(entity)["properties"].clone();
    let property =
        |(name, column): &(String, String)| (name.clone(), own[understory::model::camel_case(column)].clone());
    let properties: serde_json::Map<String, Value> = with.iter().map(property).collect();
    let required: Vec<&String> = with.iter().map(|(name, _)| name).collect();
    json!({ "allOf": [target, { "type": "object", "properties": properties, "required": required }] })
}
