//! What a form sets, read from its bytes without any of the program's own writing or reading.

use quick_xml::{Reader, events::Event};

/// A form as HQ would read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) id: String,
    pub(crate) blocks: Vec<Block>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) case_id: String,
    /// Properties with their values.
    pub(crate) sets: Vec<(String, String)>,
    /// Children that are no update: `create`, `close`, `index`.
    pub(crate) else_does: Vec<String>,
}

/// Reads a form; what cannot be read is an empty one.
pub(crate) fn read(bytes: &[u8]) -> Form {
    let mut reader = Reader::from_reader(bytes);
    let (mut form, mut path, mut text) = (Form::default(), Vec::<String>::new(), String::new());
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let (start, empty) = match reader.read_event_into(&mut buffer).unwrap() {
            Event::Start(start) => (Some(start.into_owned()), false),
            Event::Empty(start) => (Some(start.into_owned()), true),
            Event::Text(piece) => {
                text.push_str(piece.as_ref());
                continue;
            }
            Event::GeneralRef(name) => {
                text.push_str(match name.as_ref() {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    _ => "?",
                });
                continue;
            }
            Event::End(_) => (None, false),
            Event::Eof => return form,
            _ => continue,
        };
        if let Some(start) = start {
            let name = start.local_name().as_ref().to_owned();
            if name == "case" {
                let id = start.try_get_attribute("case_id").unwrap();
                let case_id = id.map(|id| id.value.into_owned()).unwrap_or_default();
                form.blocks.push(Block { case_id, ..Block::default() });
            } else if path.last().is_some_and(|parent| parent == "case") && name != "update" {
                form.blocks.last_mut().unwrap().else_does.push(name.clone());
            }
            text.clear();
            path.push(name);
            if !empty {
                continue;
            }
        }
        let name = path.pop().unwrap_or_default();
        let value = std::mem::take(&mut text);
        if name == "instanceID" {
            form.id = value;
        } else if path.last().is_some_and(|parent| parent == "update") {
            form.blocks.last_mut().unwrap().sets.push((name, value));
        }
    }
}
