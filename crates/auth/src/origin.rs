/// Where a request comes from, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address.
    pub address: Option<String>,
    /// The client's program, as it says.
    pub user_agent: Option<String>,
}

impl Origin {
    /// What counts as one place in limits: requests from nowhere known share one.
    pub(crate) fn place(&self) -> &str {
        self.address.as_deref().unwrap_or("unknown")
    }
}
