//! A webhook as it arrived: the exact bytes and the headers, before anything is believed.

use jiff::Timestamp;

/// One HTTP request to the webhook endpoint.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Upper case.
    pub method: String,
    /// The `{provider}` of `/webhooks/{provider}`; `None` for `/webhooks`.
    pub provider: Option<String>,
    pub headers: Headers,
    /// Decoded names and values, in order.
    pub query: Vec<(String, String)>,
    /// The bytes that were signed; never re-rendered.
    pub body: Vec<u8>,
    pub received_at: Timestamp,
    /// API Gateway's id of the request, for the logs.
    pub request_id: Option<String>,
}

impl Request {
    /// The first value of a query parameter.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// Seconds since 1970 at which the request was received.
    pub fn now(&self) -> i64 {
        self.received_at.as_second()
    }
}

/// Headers by name in any case, each with all its values in order of arrival.
#[derive(Clone, Debug, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Adds a value; a name that is already there keeps its earlier values.
    pub fn append(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_ascii_lowercase(), value.into()));
    }

    /// All values of a header, without surrounding blanks, empty ones left out.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_matches([' ', '\t']))
            .filter(|value| !value.is_empty())
    }

    /// Whether the header is there with a value.
    pub fn contains(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// The value of a header that may be there once; `None` if it is missing or repeated with different values.
    pub fn single(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        let first = values.next()?;
        values.all(|value| value == first).then_some(first)
    }
}

impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut headers = Headers::default();
        for (name, value) in pairs {
            headers.append(name.as_ref(), value);
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_in_any_case_with_all_their_values() {
        let headers = Headers::from_iter([("X-Sig", " a "), ("x-sig", "b"), ("X-Empty", "  ")]);
        assert_eq!(headers.all("X-SIG").collect::<Vec<_>>(), ["a", "b"]);
        assert!(!headers.contains("x-empty"));
    }

    #[test]
    fn a_header_repeated_with_another_value_is_not_silently_chosen() {
        let headers =
            Headers::from_iter([("X-Sig", "a"), ("x-sig", "b"), ("x-id", "1"), ("X-Id", "1")]);
        assert_eq!(headers.single("x-sig"), None);
        assert_eq!(headers.single("x-id"), Some("1"));
        assert_eq!(headers.single("x-none"), None);
    }
}
