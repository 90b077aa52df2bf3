//! Query strings as the servers read them: decoded pairs in the order sent.

/// The pairs of a query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query without its question mark.
    pub(crate) fn new(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The last value of a parameter that is not empty.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every pair.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The pairs without some, written as a query again.
    pub(crate) fn without(&self, names: &[&str]) -> url::form_urlencoded::Serializer<'static, String> {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(self.pairs().filter(|(key, _)| !names.contains(key)));
        text
    }
}
