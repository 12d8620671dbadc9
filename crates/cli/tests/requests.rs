//! What the commands of version control ask, and what they make of the answers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cli;
mod support;

use cli::Cli;
use serde_json::{Value, json};
use support::stub::Stub;

const P: &str = "/manage/tenants/acme/projects/shop";
const ROUTER: &str = "/manage/tenants/acme/projects/shop/agents/support/sub-agents/router";
const OLD: &str = "00000000000000000000000000000old";
const NEW: &str = "00000000000000000000000000000new";

fn stubbed() -> (Cli, Stub) {
    let (mut cli, stub) = (Cli::new(), Stub::start());
    cli.set("UNDERSTORY_URL", &stub.url);
    (cli, stub)
}

/// A command about the project.
fn of<'a>(command: &[&'a str]) -> Vec<&'a str> {
    [&command[..1], &["-p", "acme/shop"], &command[1..]].concat()
}

fn commit(hash: &str, message: &str) -> Value {
    json!({
        "hash": hash, "parents": [], "author": "ana", "email": "ana@localhost", "date": "2026-01-31T12:00:00Z",
        "message": message, "branch": "main",
    })
}

fn changes() -> Value {
    let fields = json!({ "prompt": { "from": "a", "to": "b" } });
    json!({ "subAgent": { "support/router": { "kind": "modified", "fields": fields } } })
}

const CHANGES: &str = "~ subAgent support/router\n    prompt: \"a\" → \"b\"\n";

fn outcome() -> Value {
    json!({ "data": { "commit": NEW, "head": NEW, "changes": changes() } })
}

fn conflict() -> Value {
    let field = json!({ "field": "prompt", "base": "a", "ours": "b", "theirs": "c" });
    json!({ "entity": "subAgent", "key": "support/router", "fields": [field], "reason": "both changed prompt" })
}

/// The answers to looking the router up by `support/router`.
fn found(stub: &Stub, reference: &str) {
    stub.expect(&format!("GET {ROUTER}?ref={reference}"), 200, json!({ "data": { "id": "router" } }));
}

#[test]
fn a_log_is_asked_for_page_by_page() {
    let (cli, stub) = stubbed();
    found(&stub, "main");
    let filter = "ref=main&entity=subAgent&key=support%2Frouter&author=ana&since=2026-01-01T00%3A00%3A00Z";
    let page: Vec<Value> = (0..100).map(|number| commit(&format!("{number:0>32}"), "m")).collect();
    let first = format!("GET {P}/commits?{filter}&limit=100");
    stub.expect(&first, 200, json!({ "data": page, "next": "c 2" }));
    let second = format!("GET {P}/commits?{filter}&limit=20&cursor=c%202");
    stub.expect(&second, 200, json!({ "data": &page[..20], "next": "c 3" }));
    let flags = ["--author", "ana", "--since", "2026-01-01T00:00:00Z", "-n", "120", "support/router"];
    let log = cli.json(&of(&[&["log"], &flags[..]].concat()));
    assert_eq!(log.as_array().unwrap().len(), 120);
    stub.asked();
}

#[test]
fn show_and_diff_print_changes() {
    let (cli, stub) = stubbed();
    stub.expect(
        &format!("GET {P}/commits/main~1"),
        200,
        json!({ "data": { "commit": commit(NEW, "Be brief"), "changes": changes() } }),
    );
    let shown = cli.ok(&of(&["show", "main~1"]));
    assert!(shown.contains("branch main") && shown.contains("    Be brief") && shown.ends_with(CHANGES), "{shown}");
    stub.expect(&format!("GET {P}/diff?from=v1&to=main&entity=subAgent"), 200, json!({ "data": changes() }));
    assert_eq!(cli.ok(&of(&["diff", "v1", "main", "--entity", "subAgent"])), CHANGES);
    stub.asked();
}

#[test]
fn branches_and_tags_get_names_and_lose_them() {
    let (cli, stub) = stubbed();
    stub.expect(&format!("PATCH {P}/branches/a%2Fb"), 200, json!({ "data": { "baseName": "c" } }));
    stub.expect(&format!("DELETE {P}/branches/c"), 204, Value::Null);
    let tag = json!({
        "name": "v1", "hash": NEW, "message": "First", "author": "ana", "email": "e", "date": "2026-01-31T12:00:00Z"
    });
    stub.expect(&format!("POST {P}/tags"), 201, json!({ "data": tag }));
    stub.expect(&format!("GET {P}/tags"), 200, json!({ "data": [tag] }));
    stub.expect(&format!("DELETE {P}/tags/v1"), 204, Value::Null);
    assert_eq!(cli.ok(&of(&["branch", "rename", "a/b", "c"])), "Renamed branch a/b to c\n");
    assert!(cli.ok(&of(&["branch", "delete", "c"])).contains("`understory undo -p acme/shop` brings it back"));
    assert_eq!(cli.ok(&of(&["tag", "create", "v1", "main~2", "-m", "First"])), "Tagged 0000000000 as v1\n");
    let listed = cli.ok(&of(&["tag"]));
    assert!(listed.contains("v1") && listed.contains("2026-01-31 12:00:00") && listed.contains("First"), "{listed}");
    cli.ok(&of(&["tag", "delete", "v1"]));
    let asked = stub.asked();
    assert_eq!(asked[0].body, json!({ "name": "c" }));
    assert_eq!(asked[2].body, json!({ "name": "v1", "ref": "main~2", "message": "First" }));
}

fn preview(conflicts: &Value, changes: &Value) -> Value {
    json!({ "data": {
        "hasConflicts": conflicts != &json!([]), "sourceHash": NEW, "targetHash": OLD, "canFastForward": false,
        "diffSummary": [], "conflicts": conflicts, "changes": changes,
    } })
}

fn merged(hash: &str) -> Value {
    json!({ "data": { "status": "success", "mergeCommitHash": hash, "sourceBranch": "tone", "targetBranch": "main" } })
}

#[test]
fn a_merge_is_shown_and_pinned_to_what_was_shown() {
    let (cli, stub) = stubbed();
    let (see, go) = (format!("POST {P}/branches/merge/preview"), format!("POST {P}/branches/merge"));
    stub.expect(&see, 200, preview(&json!([]), &changes())).expect(&go, 200, merged("m"));
    let said = cli.ok(&of(&["merge", "tone", "-m", "Warmer"]));
    assert_eq!(said, format!("{CHANGES}Merged tone into main: commit m\n"));
    let sent = &stub.asked()[1].body;
    let pinned = json!({
        "sourceBranch": "tone", "targetBranch": "main", "sourceHash": NEW, "targetHash": OLD, "resolutions": [],
        "message": "Warmer",
    });
    assert_eq!(*sent, pinned);

    stub.expect(&see, 200, preview(&json!([]), &changes()));
    assert_eq!(cli.ok(&of(&["merge", "tone", "--preview"])), CHANGES);
    stub.asked();

    stub.expect(&see, 200, preview(&json!([]), &json!({}))).expect(&go, 200, merged(OLD));
    assert!(cli.ok(&of(&["merge", "tone"])).starts_with("Nothing to merge: main has all of tone"));
    stub.asked();

    let moved = json!({ "detail": "main is elsewhere by now", "sourceHash": NEW, "targetHash": NEW });
    stub.expect(&see, 200, preview(&json!([]), &changes())).expect(&go, 409, moved);
    let said = cli.fails(&of(&["merge", "tone"]), 1, "user");
    assert!(said.contains("elsewhere") && said.contains("run it again"), "{said}");
    stub.asked();
}

#[test]
fn a_conflict_is_readable_and_is_settled_by_flags() {
    let (cli, stub) = stubbed();
    let (see, go) = (format!("POST {P}/branches/merge/preview"), format!("POST {P}/branches/merge"));
    stub.expect(&see, 200, preview(&json!([conflict()]), &json!({})));
    let ran = cli.run(&of(&["merge", "tone"]));
    let expected = "error: a conflict is to be settled; nothing was written\n  \
                    subAgent/support/router: both changed prompt\n    prompt:\n      \
                    base   \"a\"\n      ours   \"b\"\n      theirs \"c\"\nhint: ";
    assert!(ran.code == 1 && ran.out.is_empty() && ran.err.starts_with(expected), "{ran:?}");
    assert!(ran.err.contains("--theirs subAgent/support/router"), "{ran:?}");
    stub.asked();

    stub.expect(&see, 200, preview(&json!([conflict()]), &json!({})));
    let ran = cli.run(&of(&["merge", "tone", "--json"]));
    let error: Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(error["error"]["conflicts"], json!([conflict()]), "programs get the conflicts as they are");
    stub.asked();

    cli.write("prompt.txt", "of its own\n");
    stub.expect(&see, 200, preview(&json!([conflict()]), &json!({}))).expect(&go, 200, merged("m"));
    let said = cli.ok(&of(&["merge", "tone", "--set", "subAgent/support/router:prompt=@prompt.txt"]));
    assert_eq!(said, "1 conflict settled\nMerged tone into main: commit m\n");
    let settled = &stub.asked()[1].body["resolutions"][0];
    assert_eq!(settled["fields"], json!({ "prompt": { "value": "of its own\n" } }));
}

#[test]
fn reverts_and_picks_settle_what_they_meet() {
    let (cli, stub) = stubbed();
    let pick = format!("POST {P}/commits/{NEW}/cherry-pick?ref=tone");
    stub.expect(&pick, 200, outcome());
    let said = cli.ok(&of(&["cherry-pick", NEW, "--ref", "tone", "-m", "Also here"]));
    assert_eq!(said, format!("{CHANGES}Picked 0000000000 for tone: commit 0000000000\n"));
    assert_eq!(stub.asked()[0].message.as_deref(), Some("Also here"));

    let revert = format!("POST {P}/commits/main~1/revert?ref=main");
    let refusal = json!({ "detail": "1 conflict", "conflicts": [conflict()] });
    stub.expect(&revert, 409, refusal.clone());
    let said = cli.fails(&of(&["revert", "main~1"]), 1, "user");
    assert!(said.contains("both changed prompt") && said.contains("--theirs subAgent/support/router"), "{said}");
    stub.asked();

    stub.expect(&revert, 409, refusal).expect(&revert, 200, outcome());
    cli.ok(&of(&["revert", "main~1", "--theirs", "subAgent/support/router"]));
    let asked = stub.asked();
    assert_eq!((&asked[0].body, &asked[1].body["resolutions"][0]["pick"]), (&json!({}), &json!("theirs")));
}

#[test]
fn a_row_or_the_project_is_restored() {
    let (cli, stub) = stubbed();
    found(&stub, "v1");
    stub.expect(&format!("POST {ROUTER}/restore?ref=main"), 200, outcome());
    let said = cli.ok(&of(&["revert", "--to", "v1", "support/router"]));
    assert!(said.ends_with("Restored sub-agent/support/router as of v1: commit 0000000000\n"), "{said}");
    assert_eq!(stub.asked()[1].body, json!({ "from": "v1" }));
    stub.expect(
        &format!("POST {P}/restore?ref=main"),
        200,
        json!({ "data": { "commit": null, "head": OLD, "changes": {} } }),
    );
    let said = cli.ok(&of(&["revert", "--to", "main@{2026-01-31T12:00:00Z}"]));
    assert_eq!(said, "Nothing to do: the branch stays at 0000000000\n");
    assert_eq!(stub.asked()[0].body, json!({ "from": "main@{2026-01-31T12:00:00Z}" }));
    assert_eq!(cli.run(&of(&["revert"])).code, 2, "something is to be named");
}

#[test]
fn history_and_blame_find_rows_as_get_does() {
    let (cli, stub) = stubbed();
    let nothing = json!({ "detail": "Agent not found: router" });
    let lookups = || {
        stub.expect(&format!("GET {P}/agents/router?ref=main"), 404, nothing.clone());
        let agents = json!({ "data": [{ "id": "support" }], "pagination": { "pages": 1 } });
        stub.expect(&format!("GET {P}/agents?ref=main&limit=100&page=1"), 200, agents);
        found(&stub, "main");
    };
    let by = |text: &str| json!({ "text": text, "commit": NEW, "author": "ana", "date": "2026-01-31T12:00:00Z", "message": "m" });
    let mut prompt = by("");
    prompt["lines"] = json!([by("Be kind."), by("Be brief.")]);
    lookups();
    stub.expect(&format!("GET {ROUTER}/blame?ref=main"), 200, json!({ "data": { "name": by(""), "prompt": prompt } }));
    let told = cli.ok(&of(&["blame", "agent/router", "prompt"]));
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert_eq!(lines[1], "0000000000 (ana 2026-01-31 12:00:00   2) Be brief.");
    stub.asked();

    found(&stub, "main");
    stub.expect(&format!("GET {ROUTER}/blame?ref=main"), 200, json!({ "data": { "name": by(""), "prompt": prompt } }));
    let told = cli.ok(&of(&["blame", "support/router"]));
    assert!(told.starts_with("FIELD") && told.lines().count() == 3, "{told}");
    stub.asked();

    // A row that is deleted by now is named in full.
    stub.expect(&format!("GET {P}/tools/old?ref=main"), 404, json!({ "detail": "Tool not found: old" }));
    let main = json!({ "data": { "type": "branch", "name": "main", "hash": NEW } });
    stub.expect(&format!("GET {P}/refs/resolve?ref=main"), 200, main);
    let step = json!({ "commit": commit(NEW, "Gone"), "kind": "removed", "fields": {} });
    stub.expect(&format!("GET {P}/tools/old/history?ref=main&limit=50"), 200, json!({ "data": [step], "next": null }));
    let told = cli.ok(&of(&["history", "tool/old"]));
    assert_eq!(told, "0000000000  2026-01-31 12:00:00  ana  Gone\n- tool/old\n");
    stub.asked();
}

#[test]
fn the_newest_operation_is_undone_unless_one_is_named() {
    let (cli, stub) = stubbed();
    let operation = json!({
        "id": "7", "kind": "branch_delete", "ref": "tone", "from": NEW, "to": null, "author": "ana", "email": "e",
        "date": "2026-01-31T12:00:00Z", "message": "",
    });
    let undone = json!({ "data": { "operation": "7", "commit": null, "ref": "tone", "head": NEW } });
    stub.expect(&format!("GET {P}/operations?limit=50"), 200, json!({ "data": [operation], "next": null }));
    let told = cli.ok(&of(&["ops"]));
    assert!(told.contains("branch delete") && told.contains("tone"), "{told}");
    stub.expect(&format!("GET {P}/operations?limit=1"), 200, json!({ "data": [operation], "next": "8" }));
    stub.expect(&format!("POST {P}/operations/7/undo"), 200, undone.clone());
    assert_eq!(cli.ok(&of(&["undo"])), "Undid 7: tone is at 0000000000\n");
    stub.expect(&format!("POST {P}/operations/7/undo"), 200, undone.clone());
    assert_eq!(cli.json(&of(&["undo", "7"])), undone["data"]);
    stub.asked();
}

#[test]
fn a_tree_of_files_is_planned_and_then_imported_as_planned() {
    let (cli, stub) = stubbed();
    let files = json!({ "project.json": "{}\n", "tools/weather.json": "{}\n" });
    stub.expect(&format!("GET {P}/files?ref=main"), 200, json!({ "data": files }));
    assert!(cli.ok(&of(&["export", "shop"])).ends_with("to shop: 2 files\n"));
    let (plan, put) = (format!("PUT {P}/files?ref=main&dryRun=true"), format!("PUT {P}/files?ref=main"));
    let planned = json!({ "data": { "commit": null, "head": OLD, "changes": changes() } });
    stub.expect(&plan, 200, planned.clone());
    assert_eq!(cli.ok(&of(&["import", "shop", "--dry-run"])), CHANGES);
    stub.expect(&plan, 200, planned).expect(&put, 200, outcome());
    let said = cli.ok(&of(&["import", "shop", "-m", "From files"]));
    assert_eq!(said, format!("{CHANGES}Changed acme/shop: commit 0000000000\n"));
    let asked = stub.asked();
    assert!(asked[1..].iter().all(|asked| asked.body == json!({ "files": files })), "{asked:?}");
    assert_eq!((asked[3].message.as_deref(), asked[3].if_match.as_deref()), (Some("From files"), Some(OLD)));

    let fault = |name: &str| json!({ "pointer": format!("/files/tools~1weather.json/{name}"), "detail": "unknown" });
    let refusal = json!({ "detail": "Request validation failed", "errors": [fault("nmae"), fault("x")] });
    stub.expect(&plan, 400, refusal);
    let said = cli.fails(&of(&["import", "shop"]), 1, "user");
    assert!(said.contains("tools/weather.json /nmae: unknown"), "{said}");
    stub.asked();
}

#[test]
fn a_bundle_is_carried_as_it_is() {
    let (cli, stub) = stubbed();
    stub.expect(&format!("GET {P}/bundle?since=v1"), 200, json!({ "line": 1 }));
    cli.ok(&of(&["bundle", "create", "shop.bundle", "--since", "v1"]));
    let kept = std::fs::read_to_string(cli.home().join("shop.bundle")).unwrap();
    assert_eq!(kept, "{\"line\":1}");
    cli.write("shop.bundle", "{\"line\":1}\n{\"line\":2}\n");
    let moved = json!({ "type": "branch", "name": "main", "from": null, "to": NEW });
    let applied = json!({ "data": { "project": "copy", "commits": 2, "refs": [moved] } });
    stub.expect("POST /manage/tenants/acme/bundles?project=copy", 201, applied);
    let said = cli.ok(&["bundle", "-p", "acme/copy", "apply", "shop.bundle"]);
    assert!(said.ends_with("Took 2 commits over into acme/copy\n"), "{said}");
    assert_eq!(stub.asked()[1].text, "{\"line\":1}\n{\"line\":2}\n");

    stub.expect(&format!("GET {P}/bundle?since=nowhere"), 404, json!({ "detail": "Ref not found: nowhere" }));
    cli.write("shop.bundle", "kept");
    let said = cli.fails(&of(&["bundle", "create", "shop.bundle", "--since", "nowhere"]), 1, "user");
    assert!(said.contains("Ref not found"), "{said}");
    assert_eq!(std::fs::read_to_string(cli.home().join("shop.bundle")).unwrap(), "kept");
    assert_eq!(std::fs::read_dir(cli.home()).unwrap().count(), 1, "nothing half-written stays");
    stub.asked();
}

fn stats(project: &str) -> Value {
    json!({
        "tenantId": "acme", "projectId": project, "bytes": 1_500_000, "branches": 2, "tags": 1, "deletedBranches": 0,
        "rows": 191,
    })
}

#[test]
fn projects_are_measured_and_cleared() {
    let (cli, stub) = stubbed();
    let all = json!({ "data": [stats("shop"), stats("post")] });
    stub.expect("GET /manage/stats", 200, all.clone());
    let told = cli.ok(&["stats"]);
    assert!(told.contains("acme/post") && told.contains("1.4 MiB") && told.contains("191"), "{told}");
    stub.expect("GET /manage/stats", 200, all.clone()).expect(&format!("GET {P}"), 200, json!({ "data": {} }));
    assert_eq!(cli.json(&of(&["stats"])), json!([stats("shop")]));
    let cleared = json!({ "data": { "before": 2048, "after": 1024, "dropped": 1 } });
    stub.expect("GET /manage/stats", 200, all).expect(&format!("POST {P}/gc"), 200, cleared);
    stub.expect("POST /manage/tenants/acme/projects/post/gc", 500, json!({ "detail": "broken" }));
    let ran = cli.run(&["gc"]);
    assert_eq!(ran.out, "1/2 acme/shop: 2.0 KiB to 1.0 KiB, deleted branches forgotten: 1\n2/2 acme/post: failed\n");
    assert!(ran.code == 4 && ran.err.contains("1 of 2 projects") && ran.err.contains("acme/post: broken"), "{ran:?}");
    stub.asked();
}

#[test]
fn a_migration_goes_on_after_a_project_that_fails() {
    let (cli, stub) = stubbed();
    let behind = |project: &str, branch: &str| json!({ "tenantId": "acme", "projectId": project, "branch": branch });
    let pending = json!({ "data": [behind("bad", "main"), behind("shop", "main"), behind("shop", "tone")] });
    stub.expect("GET /manage/migrations", 200, pending);
    stub.expect("POST /manage/tenants/acme/projects/bad/migrate", 409, json!({ "detail": "a value does not fit" }));
    stub.expect(&format!("POST {P}/migrate"), 200, json!({ "data": { "branches": ["main", "tone"] } }));
    let ran = cli.run(&["migrate"]);
    assert_eq!(ran.out, "1/2 acme/bad: failed\n2/2 acme/shop: main, tone\n");
    assert!(ran.code == 1 && ran.err.contains("acme/bad: a value does not fit"), "{ran:?}");
    stub.expect("GET /manage/migrations", 200, json!({ "data": [behind("bad", "main")] }));
    stub.expect("POST /manage/tenants/acme/projects/bad/migrate", 200, json!({ "data": { "branches": ["main"] } }));
    let ran = cli.run(&["migrate"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "1/1 acme/bad: main\nMigrated 1 project\n"));
    stub.asked();
}
