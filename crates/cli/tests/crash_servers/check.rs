//! After all kills: what was acknowledged is there, and asking for it again does nothing.

use serde_json::Value;

use crate::load::{CLIENTS, Done, Load, SHARED, TENANT, own};

pub fn everything(load: &Load) {
    let done = load.done();
    let before = refs(load);
    std::thread::scope(|scope| {
        for part in 0..4 {
            let done = done.iter().skip(part).step_by(4);
            scope.spawn(move || {
                for (number, done) in done.enumerate() {
                    is_there(load, number, done);
                    is_answered_again(load, number, done);
                }
            });
        }
    });
    assert_eq!(refs(load), before, "a repeated request made something");
}

/// All branches and tags of the projects that were written to, and how many projects there are.
fn refs(load: &Load) -> Vec<Value> {
    let client = load.client(0);
    let projects = (0..CLIENTS).map(own).chain([SHARED.to_owned()]);
    let mut refs: Vec<Value> = projects
        .flat_map(|project| [format!("{project}/branches"), format!("{project}/tags")])
        .map(|path| client.get(&path)["data"].clone())
        .collect();
    refs.push(client.get(&format!("{TENANT}/projects?limit=1"))["pagination"]["total"].clone());
    refs
}

fn is_there(load: &Load, replica: usize, done: &Done) {
    let (client, write) = (load.client(replica), &done.write);
    let path = write.path.split('?').next().unwrap();
    let get = |path: &str| client.send("GET", path, None).unwrap();
    let (kind, name) = write.key.split_once(' ').unwrap();
    let at_commit = |path: &str, id: &str| {
        let commit = done.answer.header("x-understory-commit").unwrap_or_else(|| panic!("{write:?} names no commit"));
        let (status, found) = get(&format!("{path}/{id}?ref={commit}"));
        assert_eq!((status, found["data"]["name"].as_str()), (200, Some(id)), "{write:?}: {found}");
    };
    match kind {
        "row" => {
            at_commit(path, &format!("t{name}"));
            assert_eq!(get(&format!("{path}/t{name}")).0, 200, "{write:?} is not on main");
        }
        "side" => at_commit(path, &format!("m{name}")),
        "merge" => {
            let id = format!("m{}", name.split(' ').next().unwrap());
            let tools = path.replace("/branches/merge", "/tools");
            at_commit(&tools, &id);
            assert_eq!(get(&format!("{tools}/{id}")).0, 200, "{write:?} is not on main");
        }
        "tag" => assert_eq!(get(&format!("{path}/v{name}")).1["data"]["hash"], done.answer.body["data"]["hash"]),
        "delete" => {
            let (status, found) = get(path);
            let project = path.split("/branches/").next().unwrap();
            let history = || get(&format!("{project}/operations?limit=1000")).1.to_string();
            assert_eq!(status, 404, "{write:?}: {:?}, and it is there: {found} {}", done.answer, history());
        }
        "project" => assert_eq!(get(&format!("{path}/p{name}")).0, 200, "{write:?} is lost"),
        _ => {}
    }
}

fn is_answered_again(load: &Load, replica: usize, done: &Done) {
    let again = load.exchange(&load.client(replica), &done.write).expect("nothing is away");
    let commit = "x-understory-commit";
    assert_eq!((again.status, &again.body), (done.answer.status, &done.answer.body), "{:?}", done.write);
    assert_eq!(again.header(commit), done.answer.header(commit), "{:?}", done.write);
    assert_eq!(again.header("idempotency-replayed"), Some("true"), "{:?}", done.write);
}
