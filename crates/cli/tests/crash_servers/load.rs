//! Clients that write, and go on as good clients do when they are told to come again or get no answer.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, Client, KEY};

pub const TENANT: &str = "/manage/tenants/acme";
pub const SHARED: &str = "/manage/tenants/acme/projects/shared";
pub const CLIENTS: usize = 6;
/// The longest that any answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How soon what is asked of the clients must happen.
const SOON: Duration = Duration::from_secs(40);

/// A write with a key, that may be sent again.
#[derive(Clone, Debug)]
pub struct Write {
    pub key: String,
    pub method: &'static str,
    pub path: String,
    pub body: Value,
}

/// A write that was acknowledged.
#[derive(Clone, Debug)]
pub struct Done {
    pub write: Write,
    pub answer: Answer,
}

/// What came of sending a write once.
enum Sent {
    Done,
    /// Come again, or no answer: it may have been done or not.
    Unknown,
    /// It is being done, or belongs to a replica that is not known to be dead yet.
    Running,
    /// 404 or 409: nothing to do any more, or nothing to do it to.
    Refused(Answer),
}

/// All clients, and what they know.
pub struct Load {
    urls: Mutex<[String; 2]>,
    stopped: AtomicBool,
    done: Mutex<Vec<Done>>,
    unsettled: Mutex<Vec<Write>>,
    answers: AtomicUsize,
    outages: AtomicUsize,
}

/// Stops the clients when it goes, also where the test fails.
pub struct Stopping<'a>(&'a Load);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::SeqCst);
    }
}

pub fn project(id: &str) -> Value {
    json!({ "id": id, "name": id, "models": { "base": { "model": "m" } } })
}

pub fn own(client: usize) -> String {
    format!("{TENANT}/projects/own{client}")
}

fn tool(id: &str) -> Value {
    json!({ "id": id, "name": id, "config": { "type": "mcp", "mcp": { "server": { "url": "http://127.0.0.1:1" } } } })
}

fn post(key: String, path: String, body: Value) -> Write {
    Write { key, method: "POST", path, body }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets others go on.
fn rest() {
    std::thread::park_timeout(Duration::from_millis(20));
}

impl Load {
    pub fn new(urls: [&str; 2]) -> Self {
        Self {
            urls: Mutex::new(urls.map(str::to_owned)),
            stopped: AtomicBool::default(),
            done: Mutex::default(),
            unsettled: Mutex::default(),
            answers: AtomicUsize::default(),
            outages: AtomicUsize::default(),
        }
    }

    pub fn prepare(&self) {
        let names = (0..CLIENTS).map(|client| format!("own{client}")).chain(["shared".to_owned()]);
        for name in names {
            let (status, answer) =
                self.client(0).send("POST", &format!("{TENANT}/projects"), Some(&project(&name))).unwrap();
            assert_eq!(status, 201, "{answer}");
        }
    }

    pub fn start<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        for client in 0..CLIENTS {
            scope.spawn(move || {
                // One that fails ends all.
                let _stopping = self.stop_at_the_end();
                let mut turn = 0_usize;
                while !self.is_stopped() {
                    self.look(client);
                    // What could not be settled is settled later: the next turn is about other things.
                    let _ = self.turn(client, turn);
                    turn += 1;
                }
            });
        }
    }

    pub fn stop_at_the_end(&self) -> Stopping<'_> {
        Stopping(self)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    pub fn replica_is_at(&self, replica: usize, url: &str) {
        url.clone_into(&mut lock(&self.urls)[replica]);
    }

    pub fn client(&self, number: usize) -> Client {
        Client::new(&lock(&self.urls)[number % 2], PATIENCE)
    }

    pub fn done(&self) -> Vec<Done> {
        lock(&self.done).clone()
    }

    /// Waits until so many more writes are acknowledged.
    pub fn await_answers(&self, more: usize) {
        let wanted = self.answers.load(Ordering::SeqCst) + more;
        assert!(self.reaches(&self.answers, wanted), "the clients do not get on");
    }

    /// Waits until somebody has noticed that something is away.
    pub fn await_outage(&self) {
        assert!(self.reaches(&self.outages, self.outages.load(Ordering::SeqCst) + 1), "nobody notices");
    }

    fn reaches(&self, count: &AtomicUsize, wanted: usize) -> bool {
        let until = Instant::now() + SOON;
        while count.load(Ordering::SeqCst) < wanted && Instant::now() < until && !self.is_stopped() {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        count.load(Ordering::SeqCst) >= wanted
    }

    /// Everything that a project sees: rows, branches, a merge, tags; now and then another project.
    fn turn(&self, client: usize, turn: usize) -> Option<()> {
        let (name, own) = (format!("{client}-{turn}"), own(client));
        self.write(&post(format!("row {name}"), format!("{SHARED}/tools"), tool(&format!("t{name}"))))?;
        self.write(&post(format!("branch {name}"), format!("{own}/branches"), json!({ "name": name })))?;
        let row = tool(&format!("m{name}"));
        self.write(&post(format!("side {name}"), format!("{own}/tools?ref={name}"), row))?;
        self.merge(&own, &name)?;
        self.write(&post(format!("tag {name}"), format!("{own}/tags"), json!({ "name": format!("v{name}") })))?;
        let path = format!("{own}/branches/{name}");
        self.write(&Write { key: format!("delete {name}"), method: "DELETE", path, body: json!({}) })?;
        if turn.is_multiple_of(3) {
            self.write(&post(format!("project {name}"), format!("{TENANT}/projects"), project(&format!("p{name}"))))?;
        }
        Some(())
    }

    /// Merges a branch into main. A merge that could not be settled before may move main in between.
    fn merge(&self, own: &str, name: &str) -> Option<()> {
        for attempt in 0.. {
            let mut body = json!({ "sourceBranch": name, "targetBranch": "main" });
            let preview = self.ask("POST", &format!("{own}/branches/merge/preview"), Some(&body))?;
            for hash in ["sourceHash", "targetHash"] {
                body[hash] = preview["data"][hash].clone();
            }
            let key = format!("merge {name} {attempt}");
            match self.settled(&post(key, format!("{own}/branches/merge"), body))? {
                Sent::Refused(answer) if answer.status == 409 => {
                    let main = self.ask("GET", &own.replace("/projects/", "/project-full/"), None)?;
                    if main["data"]["tools"].get(format!("m{name}")).is_some() {
                        return Some(());
                    }
                    assert!(attempt < 5, "{}", answer.body);
                }
                _ => return Some(()),
            }
        }
        None
    }

    /// Sends a write until it is settled; nothing where that may take long.
    fn write(&self, write: &Write) -> Option<()> {
        self.settled(write).map(drop)
    }

    fn settled(&self, write: &Write) -> Option<Sent> {
        let mut unknown = false;
        for attempt in write.key.len().. {
            match self.send(write, attempt) {
                Sent::Unknown if self.is_stopped() => break,
                Sent::Unknown => {
                    unknown = true;
                    rest();
                }
                Sent::Running if unknown => break,
                Sent::Running => panic!("{write:?} is running though it was never sent"),
                Sent::Refused(answer) => {
                    let raced = write.path.ends_with("/merge") && answer.status == 409;
                    assert!(unknown || raced, "{write:?}: {}", answer.body);
                    return Some(Sent::Refused(answer));
                }
                done => return Some(done),
            }
        }
        lock(&self.unsettled).push(write.clone());
        None
    }

    /// Settles all that is left. Nothing is away any more.
    pub fn settle(&self) {
        let until = Instant::now() + PATIENCE;
        let left = std::mem::take(&mut *lock(&self.unsettled));
        for (number, write) in left.iter().enumerate() {
            while let Sent::Running | Sent::Unknown = self.send(write, number) {
                assert!(Instant::now() < until, "{write:?} stays unsettled");
                rest();
            }
        }
    }

    fn send(&self, write: &Write, replica: usize) -> Sent {
        match self.exchange(&self.client(replica), write) {
            None => Sent::Unknown,
            Some(answer) => match answer.status {
                200..=204 => {
                    lock(&self.done).push(Done { write: write.clone(), answer });
                    self.answers.fetch_add(1, Ordering::SeqCst);
                    Sent::Done
                }
                409 if answer.body["detail"].as_str().is_some_and(|detail| detail.contains("still running")) => {
                    Sent::Running
                }
                404 | 409 => Sent::Refused(answer),
                status => panic!("{write:?}: {status} {}", answer.body),
            },
        }
    }

    /// Sends a write once; nothing where there was no answer, or that it cannot be done now.
    pub fn exchange(&self, client: &Client, write: &Write) -> Option<Answer> {
        let headers = [("authorization", &*format!("Bearer {KEY}")), ("idempotency-key", &write.key)];
        self.answered(client.send_with(write.method, &write.path, &headers, Some(&write.body)))
    }

    fn answered(&self, answer: Result<Answer, ureq::Error>) -> Option<Answer> {
        match answer {
            Err(ureq::Error::Timeout(timeout)) => panic!("a request hangs: {timeout}"),
            Ok(answer) if answer.status != 503 => return Some(answer),
            Ok(answer) => assert!(answer.header("retry-after").is_some(), "{}", answer.body),
            Err(_) => {}
        }
        self.outages.fetch_add(1, Ordering::SeqCst);
        None
    }

    /// Asks until there is an answer, which must be that all is there; nothing once the clients are stopped.
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Value> {
        for replica in 0.. {
            let headers = [("authorization", &*format!("Bearer {KEY}"))];
            if let Some(answer) = self.answered(self.client(replica).send_with(method, path, &headers, body)) {
                assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body);
                return Some(answer.body);
            }
            if self.is_stopped() {
                break;
            }
            rest();
        }
        None
    }

    /// What was acknowledged is there, whatever is away: else that is said.
    fn look(&self, client: usize) {
        let merged: Vec<String> = lock(&self.done)
            .iter()
            .filter_map(|done| Some(format!("m{}", done.write.key.strip_prefix("merge ")?.split(' ').next()?)))
            .filter(|id| id.starts_with(&format!("m{client}-")))
            .collect();
        let Some(full) = self.ask("GET", &format!("{TENANT}/project-full/own{client}"), None) else { return };
        for id in merged {
            assert!(full["data"]["tools"].get(&id).is_some(), "{id} was acknowledged and is not there");
        }
        let Some(list) = self.ask("GET", &format!("{TENANT}/projects?limit=1"), None) else { return };
        assert!(list["pagination"]["total"].as_u64().unwrap() > CLIENTS as u64, "{list}");
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (answers, outages) = (self.answers.load(Ordering::SeqCst), self.outages.load(Ordering::SeqCst));
        let unsettled = lock(&self.unsettled).len();
        write!(f, "{answers} writes acknowledged, {outages} times told to come again, {unsettled} unsettled")
    }
}
