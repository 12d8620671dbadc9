//! `examples/chat/run.sh`, with this program and a stand-in for Ollama.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// Words of an answer, and how long each takes: long enough for connections to be lost in its middle.
const WORDS: usize = 80;
const A_WORD: Duration = Duration::from_millis(10);

#[test]
fn the_conversation_survives() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for connection in listener.incoming() {
            // A client that leaves is no failure.
            thread::spawn(move || connection.and_then(answer));
        }
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/chat/run.sh");
    let mut chat = Command::new("bash");
    chat.arg(script).env("UNDERSTORY", env!("CARGO_BIN_EXE_understory")).env("OLLAMA_HOST", host);
    let told = chat.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&told.stdout), text(&told.stderr));
    assert!(told.status.success() && out.contains("The end: every step was as told"), "{out}\n{err}");
}

/// Answers one request as Ollama does: lines of JSON, the first of which repeats the system message.
fn answer(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let request: Value = serde_json::from_slice(&body).unwrap();
    let system = request["messages"][0]["content"].as_str().unwrap().to_owned();
    let mut stream = reader.into_inner();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\n\r\n")?;
    let words = (0..WORDS).map(|number| format!(" word{number}"));
    for piece in std::iter::once(format!("{system}|")).chain(words) {
        writeln!(stream, "{}", json!({ "message": { "role": "assistant", "content": piece }, "done": false }))?;
        thread::sleep(A_WORD);
    }
    writeln!(stream, "{}", json!({ "message": { "content": "" }, "done": true, "eval_count": WORDS }))
}
