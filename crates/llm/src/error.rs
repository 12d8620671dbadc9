use std::time::Duration;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// How much of a provider's own words an error repeats, in characters.
const MESSAGE_LENGTH: usize = 300;

/// Why a provider gave no answer, or only a part of one.
///
/// The texts may be shown to clients: they hold no key and of addresses only the host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LlmError {
    /// No connection came about, or it ended before the answer began.
    #[error("the provider at {host} cannot be reached: {source}")]
    Unreachable {
        /// The provider's host.
        host: String,
        /// What went wrong.
        source: Source,
    },
    /// Nothing came for longer than we wait.
    #[error("the provider let us wait too long for {step}: more than {after:?}")]
    TimedOut {
        /// What we waited for.
        step: &'static str,
        /// The time that it had.
        after: Duration,
    },
    /// The provider answers that it will not, for instance because of the key (401) or of too many requests (429).
    #[error("the provider refuses{}: {message}", .status.map_or_else(String::new, |status| format!(" ({status})")))]
    Refused {
        /// The HTTP status; none if the refusal came within an answer and named none.
        status: Option<u16>,
        /// The provider's words.
        message: String,
    },
    /// The provider has no such model.
    #[error("the provider has no model '{model}': {message}")]
    UnknownModel {
        /// The name asked for.
        model: String,
        /// The provider's words.
        message: String,
    },
    /// What came is not the provider's protocol.
    #[error("the provider's answer is not understood: {excerpt}")]
    Garbage {
        /// The beginning of what came.
        excerpt: String,
        /// Where it goes wrong, if it is read as JSON.
        source: Option<serde_json::Error>,
    },
    /// The answer ended in the middle.
    #[error("the provider's answer was cut off")]
    CutOff(#[source] Option<Source>),
    /// The answer, or one piece of it, is larger than we take.
    #[error("the provider's {what} is larger than {limit} bytes")]
    TooLarge {
        /// The answer or a piece.
        what: &'static str,
        /// The most that is taken.
        limit: usize,
    },
    /// The host has an address that may not be connected to.
    #[error("the host {host} has no public address, and others may not be reached from here")]
    AddressNotAllowed {
        /// The host.
        host: String,
    },
    /// There is no provider of this name.
    #[error("there is no provider '{0}'")]
    NotConfigured(String),
}

impl LlmError {
    pub(crate) fn unreachable(host: &str, source: impl Into<Source>) -> Self {
        Self::Unreachable { host: host.to_owned(), source: source.into() }
    }

    pub(crate) fn garbage(line: &[u8], source: Option<serde_json::Error>) -> Self {
        Self::Garbage { excerpt: String::from_utf8_lossy(line).into_owned(), source }
    }

    /// A refusal in the provider's words; where they or the status say so, for want of the model.
    pub(crate) fn refusal(status: Option<u16>, message: String, model: &str) -> Self {
        let said = message.to_lowercase();
        let missing = said.contains("model") && (said.contains("not found") || said.contains("does not exist"));
        if missing || status == Some(404) {
            return Self::UnknownModel { model: model.to_owned(), message };
        }
        Self::Refused { status, message }
    }

    /// The same with the provider's words made fit to be shown: without the key, short, and on one line.
    pub(crate) fn presentable(mut self, key: Option<&str>) -> Self {
        if let Self::Refused { message: words, .. }
        | Self::UnknownModel { message: words, .. }
        | Self::Garbage { excerpt: words, .. } = &mut self
        {
            // The key goes first: a shortened text could end in a part of it.
            let whole = key.map_or_else(|| words.clone(), |key| words.replace(key, "…"));
            *words = whole
                .split_whitespace()
                .flat_map(|word| [" ", word])
                .skip(1)
                .flat_map(str::chars)
                .filter(|character| !character.is_control())
                .take(MESSAGE_LENGTH)
                .collect();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_provider_are_shown_short_and_without_the_key() {
        let message = format!("bad key\n sk-secret {}", "x".repeat(MESSAGE_LENGTH));
        let error = LlmError::Refused { status: Some(401), message }.presentable(Some("sk-secret"));
        let text = error.to_string();
        assert!(text.starts_with("the provider refuses (401): bad key … xxx"), "{text}");
        assert!(text.len() < MESSAGE_LENGTH + 40);
    }

    #[test]
    fn a_key_at_the_end_of_what_is_shown_leaves_no_part_of_it() {
        let words = format!("{} sk-secret", "x".repeat(MESSAGE_LENGTH - 4));
        let error = LlmError::garbage(words.as_bytes(), None).presentable(Some("sk-secret"));
        assert!(!error.to_string().contains("sk-"), "{error}");
    }
}
