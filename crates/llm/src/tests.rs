//! What both protocols make of bytes, whole and broken.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stream::{Decoder, Protocol};
use crate::{ChatEvent, ChatMessage, ChatRequest, LlmError, Parameters, ollama, openai};

const LIMIT: usize = 4096;

const OLLAMA: &str = concat!(
    r#"{"model":"m","message":{"role":"assistant","content":"Grüße "},"done":false}"#,
    "\n",
    r#"{"model":"m","message":{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},"done":false}"#,
    "\r\n\n",
    r#"{"model":"m","message":{"role":"assistant","content":"you 🌍"},"done":false}"#,
    "\n",
    r#"{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":7,"eval_count":3}"#,
    "\n",
);

const OPENAI: &str = concat!(
    ": one moment\n\n",
    r#"data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null}"#,
    "\n\n",
    "event: chunk\r\nid: 1\r\n",
    r#"data: {"choices":[{"index":0,"delta":{"content":"Grüße "}}]}"#,
    "\r\n\r\n",
    r#"data:{"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]}}]}"#,
    "\n\n",
    "data: {\"choices\":\ndata: [{\"index\":0,\"delta\":{\"content\":\"you 🌍\"}},{\"index\":1,\"delta\":{\"content\":\"no\"}}]}\n\n",
    r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    "\n\n",
    r#"data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}"#,
    "\n\n",
    "data: [DONE]\n\n",
);

fn expected() -> Vec<ChatEvent> {
    vec![
        ChatEvent::Text("Grüße ".into()),
        ChatEvent::ToolCalls(json!([{"function": {"name": "f", "arguments": {"a": 1}}}])),
        ChatEvent::Text("you 🌍".into()),
        ChatEvent::Usage { prompt_tokens: 7, completion_tokens: 3 },
        ChatEvent::Finished { reason: Some("stop".into()) },
    ]
}

/// All events of an answer that comes in the given pieces, and the error that it ends with.
fn decode<'a>(
    protocol: impl Protocol,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<ChatEvent>, Option<LlmError>) {
    let mut decoder = Decoder::new(protocol, LIMIT);
    let mut events = Vec::new();
    let mut pieces = pieces.into_iter();
    loop {
        match decoder.next() {
            Ok(Some(event @ ChatEvent::Finished { .. })) => {
                events.push(event);
                return (events, None);
            }
            Ok(Some(event)) => events.push(event),
            Err(error) => return (events, Some(error)),
            Ok(None) => match pieces.next() {
                Some(piece) => decoder.push(piece),
                None => decoder.end(),
            },
        }
    }
}

fn from_ollama(text: &str) -> (Vec<ChatEvent>, Option<LlmError>) {
    decode(ollama::Answer::new("m".into()), [text.as_bytes()])
}

fn from_openai(text: &str) -> (Vec<ChatEvent>, Option<LlmError>) {
    decode(openai::Answer::new("m".into(), LIMIT), [text.as_bytes()])
}

/// The bytes cut at some places, which may be the same.
fn pieces(text: &str, mut cuts: Vec<prop::sample::Index>) -> Vec<&[u8]> {
    let bytes = text.as_bytes();
    cuts.sort_by_key(|cut| cut.index(bytes.len()));
    let ends = cuts.iter().map(|cut| cut.index(bytes.len())).chain([bytes.len()]);
    let mut start = 0;
    ends.map(|end| &bytes[std::mem::replace(&mut start, end)..end]).collect()
}

proptest! {
    #[test]
    fn events_do_not_depend_on_how_bytes_are_split(cuts: Vec<prop::sample::Index>) {
        let (events, error) = decode(ollama::Answer::new("m".into()), pieces(OLLAMA, cuts.clone()));
        prop_assert!(error.is_none(), "{error:?}");
        prop_assert_eq!(events, expected());
        let (events, error) = decode(openai::Answer::new("m".into(), LIMIT), pieces(OPENAI, cuts));
        prop_assert!(error.is_none(), "{error:?}");
        prop_assert_eq!(events, expected());
    }

    #[test]
    fn any_bytes_are_an_error_or_events(bytes: Vec<u8>) {
        decode(ollama::Answer::new("m".into()), [&bytes[..]]);
        decode(openai::Answer::new("m".into(), LIMIT), [&bytes[..]]);
    }
}

#[test]
fn bytes_may_come_one_by_one() {
    assert_eq!(decode(ollama::Answer::new("m".into()), OLLAMA.as_bytes().chunks(1)).0, expected());
    assert_eq!(decode(openai::Answer::new("m".into(), LIMIT), OPENAI.as_bytes().chunks(1)).0, expected());
}

/// What an answer lacks when it ends too early: never anything made up, and never an end that looks whole.
fn check_cut(text: &str, at: usize, complete: usize, (events, error): (Vec<ChatEvent>, Option<LlmError>)) {
    if at >= complete {
        assert!(error.is_none(), "at {at}: {error:?}");
        return;
    }
    assert!(matches!(error, Some(LlmError::CutOff(_))), "{:?}: {error:?}", &text[..at]);
    assert!(expected().starts_with(&events), "at {at}: {events:?}");
}

#[test]
fn an_answer_that_ends_anywhere_before_its_end_is_cut_off() {
    let complete = OLLAMA.trim_end().len();
    for at in (0..=OLLAMA.len()).filter(|at| OLLAMA.is_char_boundary(*at)) {
        check_cut(OLLAMA, at, complete, from_ollama(&OLLAMA[..at]));
    }
    let before_usage = OPENAI.find("data: {\"choices\":[],").unwrap();
    for at in (0..before_usage - 2).filter(|at| OPENAI.is_char_boundary(*at)) {
        check_cut(OPENAI, at, before_usage - 2, from_openai(&OPENAI[..at]));
    }
}

#[test]
fn an_answer_with_a_reason_to_end_is_complete_without_the_last_event() {
    let (events, error) = from_openai(OPENAI.strip_suffix("data: [DONE]\n\n").unwrap());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(events, expected());
}

#[test]
fn what_came_before_a_cut_is_told() {
    let (events, error) = from_openai("data: {\"choices\":[{\"delta\":{\"content\":\"half\"}}]}");
    assert_eq!(events, [ChatEvent::Text("half".into())]);
    assert!(matches!(error, Some(LlmError::CutOff(_))), "{error:?}");
}

#[test]
fn garbage_is_told_from_a_cut() {
    let garbage = ["<html>\n", "<html>", "{\"a\":1}\n", "[]\n", "{\"message\":{\"content\":5}}\n", "{\"message\":\n"];
    for text in garbage {
        assert!(matches!(from_ollama(text).1, Some(LlmError::Garbage { .. })), "{text}");
    }
    let garbage = [
        "<html>\n",
        "<html>",
        "{\"choices\":[]}\n",
        "data: {\"a\":1}\n\n",
        "data: <html>\n\n",
        "data: {\"choices\":\n\n",
    ];
    for text in garbage {
        assert!(matches!(from_openai(text).1, Some(LlmError::Garbage { .. })), "{text}");
    }
}

#[test]
fn errors_within_an_answer_are_refusals() {
    let refused = |error: Option<LlmError>| match error {
        Some(LlmError::Refused { status, message }) => (status, message),
        other => panic!("{other:?}"),
    };
    let first = OLLAMA.split_inclusive('\n').next().unwrap();
    let (events, error) = from_ollama(&format!("{first}{{\"error\":\"out of memory\"}}\n"));
    assert_eq!((events.len(), refused(error)), (1, (None, "out of memory".into())));
    let (_, error) = from_openai("data: {\"error\":{\"message\":\"slow down\",\"code\":429}}\n\n");
    assert_eq!(refused(error), (Some(429), "slow down".into()));
    let (_, error) = from_openai("data: {\"error\":{\"code\":\"odd\"}}\n\n");
    assert_eq!(refused(error), (None, "{\"code\":\"odd\"}".into()));
}

#[test]
fn pieces_are_limited() {
    let long = "x".repeat(LIMIT + 1);
    assert!(matches!(from_ollama(&long).1, Some(LlmError::TooLarge { .. })));
    assert!(matches!(from_openai(&format!("data: {long}")).1, Some(LlmError::TooLarge { .. })));
    // One frame, however many lines it has.
    assert!(matches!(from_openai(&"data: {\n".repeat(LIMIT)).1, Some(LlmError::TooLarge { .. })));
}

fn request() -> ChatRequest {
    let parameters: Parameters = serde_json::from_value(json!({
        "temperature": 0.7, "topP": 0.9, "maxTokens": 50, "stop": ["END"], "seed": 1,
        "keep_alive": "5m", "num_ctx": 8192, "model": "another", "stream": false,
    }))
    .unwrap();
    let tools = Some(json!([{"type": "function"}]));
    ChatRequest { parameters, tools, ..ChatRequest::new("m", vec![ChatMessage::system("s"), ChatMessage::user("u")]) }
}

fn messages() -> Value {
    json!([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}])
}

#[test]
fn ollama_is_asked_with_options() {
    let expected = json!({
        "model": "m", "messages": messages(), "stream": true, "tools": [{"type": "function"}], "keep_alive": "5m",
        "options": {
            "temperature": 0.7, "top_p": 0.9, "num_predict": 50, "stop": ["END"], "seed": 1, "num_ctx": 8192,
            "model": "another", "stream": false,
        },
    });
    assert_eq!(ollama::body(&request()), expected);
}

#[test]
fn openai_is_asked_with_parameters() {
    let expected = json!({
        "model": "m", "messages": messages(), "stream": true, "stream_options": {"include_usage": true},
        "tools": [{"type": "function"}], "temperature": 0.7, "top_p": 0.9, "max_tokens": 50, "stop": ["END"],
        "seed": 1, "keep_alive": "5m", "num_ctx": 8192,
    });
    assert_eq!(openai::body(&request()), expected);
}
