//! A submitted form: well-formed XML to case blocks (commcare.md sections 2, 3 and 5.1).
//!
//! `index` and attachment blocks are not read, and a property element with children keeps its text only.

use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesStart, Event},
    name::ResolveResult,
};

use super::dates::as_stored;

/// The namespace of case blocks.
const CASE_NAMESPACE: &str = "http://commcarehq.org/case/transaction/v2";
/// Deeper nesting is refused, as the usual XML library does.
const DEPTH: usize = 256;

/// A form that can be processed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    /// Namespace of the root.
    pub(crate) xmlns: String,
    /// Form id, if the form has one.
    pub(crate) instance_id: Option<String>,
    /// `meta/userID`.
    pub(crate) user_id: String,
    /// The blocks in document order.
    pub(crate) blocks: Vec<Block>,
    /// A `case` element outside its namespace, which the server trips over.
    pub(crate) stray: bool,
}

/// One case block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// Case id; may be empty.
    pub(crate) case_id: String,
    /// `date_modified` as written.
    pub(crate) date_modified: String,
    /// `user_id` of the block; empty when it has none.
    pub(crate) user_id: String,
    /// What it does, create before update.
    pub(crate) values: Vec<(String, String)>,
    /// What becomes of the case itself.
    pub(crate) standing: Standing,
}

/// What a block makes of a case beside its values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing.
    #[default]
    Same,
    /// It is closed.
    Closed,
    /// It is open again. No form does this.
    Reopened,
    /// It is deleted. No form does this.
    Deleted,
}

/// Why a form is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// Not well-formed.
    Invalid(String),
    /// The root has no namespace.
    NoNamespace,
}

/// An element with what is in it.
#[derive(Debug, Default)]
struct Node {
    name: String,
    in_case_namespace: bool,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Node>,
}

impl Node {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }
}

impl Form {
    /// Reads a form.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Unread> {
        let text = std::str::from_utf8(bytes).map_err(|error| Unread::Invalid(error.to_string()))?;
        let (xmlns, root) = tree(text).map_err(Unread::Invalid)?;
        let xmlns = xmlns.ok_or(Unread::NoNamespace)?;
        let meta = root.child("meta");
        let of_meta = |name| meta.and_then(|meta| meta.child(name)).map(|it| it.text.clone());
        let mut form = Self {
            xmlns,
            instance_id: of_meta("instanceID").filter(|id| !id.is_empty()),
            user_id: of_meta("userID").unwrap_or_default(),
            ..Self::default()
        };
        let mut waiting = vec![&root];
        while let Some(node) = waiting.pop() {
            match node.attribute("case_id") {
                Some(case_id) if node.name == "case" && node.in_case_namespace => {
                    form.blocks.push(Block::read(node, case_id));
                }
                Some(_) if node.name == "case" => form.stray = true,
                _ => waiting.extend(node.children.iter().rev()),
            }
        }
        Ok(form)
    }
}

impl Block {
    fn read(node: &Node, case_id: &str) -> Self {
        let attribute = |name| node.attribute(name).unwrap_or_default().to_owned();
        let of_kind = |kind| node.children.iter().filter(move |child| child.name == kind);
        let values = of_kind("create").chain(of_kind("update")).flat_map(|action| &action.children);
        Self {
            case_id: case_id.to_owned(),
            date_modified: attribute("date_modified"),
            user_id: attribute("user_id"),
            values: values.map(|value| (value.name.clone(), as_stored(&value.text))).collect(),
            standing: of_kind("close").next().map_or(Standing::Same, |_| Standing::Closed),
        }
    }
}

/// The root's namespace and the whole tree, or what is not well-formed.
fn tree(text: &str) -> Result<(Option<String>, Node), String> {
    if let Some(letter) = text.chars().find(|&letter| !may_stand(letter)) {
        return Err(format!("PCDATA invalid Char value {}", u32::from(letter)));
    }
    let mut reader = NsReader::from_str(text);
    let mut open: Vec<Node> = Vec::new();
    let mut done: Option<(Option<String>, Node)> = None;
    let mut xmlns = None;
    loop {
        let (space, event) = reader.read_resolved_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(start) | Event::Empty(start) if done.is_some() || open.len() >= DEPTH => {
                return Err(format!("Extra content at the element {}", start.name().as_ref()));
            }
            Event::Start(start) => {
                let space = namespace(space)?;
                let node = element(&start, space.as_deref())?;
                if open.is_empty() {
                    xmlns = space;
                }
                open.push(node);
            }
            Event::Empty(start) => {
                let space = namespace(space)?;
                let node = element(&start, space.as_deref())?;
                if open.is_empty() {
                    xmlns = space;
                }
                close(&mut open, node, &mut done, &mut xmlns);
            }
            Event::End(_) => {
                let node = open.pop().ok_or("Unexpected end tag")?;
                close(&mut open, node, &mut done, &mut xmlns);
            }
            Event::Text(text) if text.contains("]]>") => {
                return Err("Sequence ']]>' not allowed in content".to_owned());
            }
            Event::Text(text) => add(&mut open, &text.xml10_content())?,
            Event::CData(text) => add(&mut open, &text.xml10_content())?,
            Event::GeneralRef(entity) => add(&mut open, &resolved(&entity)?)?,
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    if !open.is_empty() {
        return Err("Premature end of data".to_owned());
    }
    done.ok_or_else(|| "Document is empty".to_owned())
}

/// Hangs a finished element into the one above it, or makes it the root.
fn close(open: &mut [Node], node: Node, done: &mut Option<(Option<String>, Node)>, xmlns: &mut Option<String>) {
    match open.last_mut() {
        Some(above) => above.children.push(node),
        None => *done = Some((xmlns.take(), node)),
    }
}

fn namespace(space: ResolveResult<'_>) -> Result<Option<String>, String> {
    match space {
        ResolveResult::Bound(space) => Ok(Some(space.as_ref().to_owned())),
        ResolveResult::Unbound => Ok(None),
        ResolveResult::Unknown(prefix) => Err(format!("Namespace prefix {prefix} is not defined")),
    }
}

fn element(start: &BytesStart<'_>, space: Option<&str>) -> Result<Node, String> {
    let whole = start.name();
    if !whole.as_ref().split(':').all(is_name) {
        return Err(format!("invalid element name {}", whole.as_ref()));
    }
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
        if attribute.value.contains('<') {
            return Err("Unescaped '<' not allowed in attributes values".to_owned());
        }
        attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    let in_case_namespace = space == Some(CASE_NAMESPACE);
    let name = start.local_name().as_ref().to_owned();
    Ok(Node { name, in_case_namespace, attributes, text: String::new(), children: Vec::new() })
}

/// Adds text to the innermost element; outside the root only white space may stand.
fn add(open: &mut [Node], text: &str) -> Result<(), String> {
    match open.last_mut() {
        Some(node) => node.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err("Text outside the document element".to_owned()),
    }
    Ok(())
}

fn resolved(entity: &quick_xml::events::BytesRef<'_>) -> Result<String, String> {
    if let Some(letter) = entity.resolve_char_ref().map_err(|error| error.to_string())? {
        return if may_stand(letter) { Ok(letter.to_string()) } else { Err("invalid character reference".to_owned()) };
    }
    let name = entity.xml10_content();
    let text = quick_xml::escape::resolve_predefined_entity(&name);
    text.map(str::to_owned).ok_or_else(|| format!("Entity '{name}' not defined"))
}

/// Whether XML 1.0 allows the character at all.
fn may_stand(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '·'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(body: &str) -> Result<Form, Unread> {
        Form::read(format!("<?xml version='1.0' ?><system xmlns=\"x\">{body}</system>").as_bytes())
    }

    #[test]
    fn a_block_is_read_with_its_spaces_entities_and_order() {
        let form = with(
            "<m:meta xmlns:m=\"y\"><m:instanceID>f1</m:instanceID><m:userID>u</m:userID></m:meta>\n\
             <case case_id=\"id&quot;1\" date_modified=\"d\" xmlns=\"http://commcarehq.org/case/transaction/v2\">\
             <update><b> 1 </b><a>x ]]&gt; &amp;amp; é&#233;</a><c /></update><create><case_name>n</case_name></create>\
             <close /></case>",
        )
        .unwrap();
        assert_eq!((form.xmlns.as_str(), form.instance_id.as_deref(), form.user_id.as_str()), ("x", Some("f1"), "u"));
        let block = &form.blocks[0];
        assert_eq!(block.case_id, "id\"1");
        assert_eq!(block.standing, Standing::Closed);
        let values: Vec<(&str, &str)> =
            block.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(values, [("case_name", "n"), ("b", " 1 "), ("a", "x ]]> &amp; éé"), ("c", "")]);
    }

    #[test]
    fn blocks_are_found_at_any_depth_and_strays_are_noticed() {
        let form =
            with("<a><b><case case_id=\"1\" xmlns=\"http://commcarehq.org/case/transaction/v2\"/></b></a>").unwrap();
        assert_eq!((form.blocks.len(), form.stray), (1, false));
        assert!(with("<case case_id=\"1\"/>").unwrap().stray);
        assert!(with("<case/>").unwrap().blocks.is_empty());
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for bad in [
            "<a>",
            "</b>",
            "<a></b>",
            "<1a/>",
            "<a>\u{1}</a>",
            "<a>&#1;</a>",
            "<a>&nbsp;</a>",
            "<a>]]></a>",
            "<p:a/>",
            "<a b=1/>",
            "<a b='1' b='2'/>",
            "<a>&</a>",
            "<a b='<'/>",
            "</system><system>",
            "</system>x<a>",
        ] {
            assert!(matches!(with(bad), Err(Unread::Invalid(_))), "{bad}");
        }
        assert!(matches!(Form::read(b""), Err(Unread::Invalid(_))));
        assert!(matches!(Form::read(b"not xml"), Err(Unread::Invalid(_))));
        assert!(matches!(Form::read(b"\xff\xfe"), Err(Unread::Invalid(_))));
        assert!(matches!(Form::read("<a>".repeat(100_000).as_bytes()), Err(Unread::Invalid(_))));
        assert_eq!(Form::read(b"<data/>"), Err(Unread::NoNamespace));
    }
}
