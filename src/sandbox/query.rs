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
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The values of a parameter that may be given again and again; a single one is split at its commas (dhis2.md
    /// section 1.2).
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        let values: Vec<&str> = self.all(name).filter(|value| !value.is_empty()).collect();
        match values[..] {
            [single] => single.split(',').map(str::to_owned).collect(),
            _ => values.into_iter().map(str::to_owned).collect(),
        }
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
