//! The `fields` parameter: which members of an object are sent, nested ones in brackets (dhis2.md section 2).

use serde_json::{Map, Value};

use super::View;
use super::graph::{Member, Node, reference};

/// How deep brackets may nest; deeper ones are read as far as this.
const DEPTH: usize = 12;

/// A parsed selection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<Item>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    /// A member, perhaps with a selection of its own.
    Member(String, Option<Fields>),
    /// `:all` and the like.
    Preset(String),
    /// `!name`.
    Not(String),
}

impl Fields {
    /// Reads a selection. It never fails; what is not understood selects nothing.
    pub(crate) fn new(text: &str) -> Self {
        Self::read(&mut text.chars(), 0)
    }

    fn read(rest: &mut std::str::Chars<'_>, depth: usize) -> Self {
        let mut items = Vec::new();
        let mut name = String::new();
        let mut inner = None;
        loop {
            let next = rest.next();
            match next {
                Some('[') => {
                    let nested = Self::read(rest, depth + 1);
                    inner = (depth < DEPTH).then_some(nested);
                }
                Some(',' | ']') | None => {
                    let word = std::mem::take(&mut name);
                    let word = word.trim();
                    if let Some(preset) = word.strip_prefix(':').or(word.strip_prefix('*').map(|_| "all")) {
                        items.push(Item::Preset(preset.to_owned()));
                    } else if let Some(unwanted) = word.strip_prefix('!') {
                        items.push(Item::Not(unwanted.to_owned()));
                    } else if !word.is_empty() {
                        items.push(Item::Member(word.to_owned(), inner.take()));
                    }
                    inner = None;
                    if next != Some(',') {
                        return Self(items);
                    }
                }
                Some(letter) => name.push(letter),
            }
        }
    }

    /// The object with the selected members.
    pub(crate) fn render(&self, view: &View<'_>, node: Node) -> Value {
        let mut object = Map::new();
        for item in &self.0 {
            match item {
                Item::Member(name, inner) => {
                    put(view, &mut object, node, name, inner.as_ref());
                }
                Item::Preset(preset) => {
                    for name in node.members() {
                        if in_preset(view, node, preset, name) {
                            put(view, &mut object, node, name, None);
                        }
                    }
                }
                Item::Not(_) => {}
            }
        }
        self.remove_unwanted(&mut object);
        Value::Object(object)
    }

    fn remove_unwanted(&self, object: &mut Map<String, Value>) {
        for item in &self.0 {
            if let Item::Not(name) = item {
                object.remove(name);
            }
        }
    }

    /// The same for a value that is JSON already; plain ones are whole anyway.
    pub(crate) fn pick(&self, value: &Value) -> Value {
        let Value::Object(whole) = value else {
            let Value::Array(list) = value else { return value.clone() };
            return list.iter().map(|item| self.pick(item)).collect();
        };
        let mut object = Map::new();
        for item in &self.0 {
            match item {
                Item::Member(name, inner) => {
                    let Some(member) = whole.get(name) else { continue };
                    let member = inner.as_ref().map_or_else(|| member.clone(), |inner| inner.pick(member));
                    object.insert(name.clone(), member);
                }
                Item::Preset(_) => object.extend(whole.clone()),
                Item::Not(_) => {}
            }
        }
        self.remove_unwanted(&mut object);
        Value::Object(object)
    }
}

fn in_preset(view: &View<'_>, node: Node, preset: &str, name: &str) -> bool {
    match preset {
        "identifiable" => matches!(name, "id" | "name" | "displayName" | "code" | "created" | "lastUpdated"),
        "nameable" => {
            matches!(name, "id" | "name" | "displayName" | "shortName" | "code" | "created" | "lastUpdated")
        }
        "simple" => matches!(node.member(view, name), Some(Member::Plain(_))),
        "all" | "owner" => true,
        _ => false,
    }
}

fn put(view: &View<'_>, object: &mut Map<String, Value>, node: Node, name: &str, inner: Option<&Fields>) {
    let shown = |node: Node| match inner {
        Some(fields) => fields.render(view, node),
        None => reference(view, node),
    };
    let value = match node.member(view, name) {
        None => return,
        Some(Member::Plain(value)) => inner.map_or_else(|| value.clone(), |inner| inner.pick(&value)),
        Some(Member::One(node)) => shown(node),
        Some(Member::Many(nodes)) => nodes.into_iter().map(shown).collect(),
    };
    object.insert(name.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Fields;

    #[test]
    fn brackets_presets_and_exclusions_are_read() {
        let whole = json!({"id": "a", "name": "n", "list": [{"id": "b", "x": {"y": 1, "z": 2}}, {"id": "c"}]});
        for (fields, want) in [
            ("id", json!({"id": "a"})),
            ("id,list[id]", json!({"id": "a", "list": [{"id": "b"}, {"id": "c"}]})),
            ("list[x[y]],name", json!({"list": [{"x": {"y": 1}}, {}], "name": "n"})),
            (":all,!list", json!({"id": "a", "name": "n"})),
            ("*,!list,!name", json!({"id": "a"})),
            ("nothing,id", json!({"id": "a"})),
            ("", json!({})),
            ("list[id", json!({"list": [{"id": "b"}, {"id": "c"}]})),
        ] {
            assert_eq!(Fields::new(fields).pick(&whole), want, "{fields}");
        }
    }

    #[test]
    fn a_thousand_brackets_do_no_harm() {
        assert_eq!(Fields::new(&"list[".repeat(1000)).pick(&json!({})), json!({}));
    }
}
