//! The one form part of a `multipart/form-data` submission (commcare.md section 4.2). Attachments are not kept.

use bytes::Bytes;

/// The largest form file, in bytes.
const LARGEST: usize = 10 * 1024 * 1024;
/// The name of the form's part.
const FORM: &str = "xml_submission_file";

/// Why no form was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No file part of the right name, or an empty one.
    NoForm,
    /// A part that is no file.
    OtherFields,
    /// The file name does not end in `.xml`.
    FileName,
    /// More than 10 MiB.
    TooLarge,
}

/// The boundary, if the content type is multipart.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let (kind, rest) = content_type.split_once(';')?;
    let boundary = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    kind.trim().eq_ignore_ascii_case("multipart/form-data").then(|| boundary.trim_matches('"').to_owned())
}

/// The bytes of the form's part.
pub(crate) fn form(body: &Bytes, boundary: &str) -> Result<Bytes, Refused> {
    let mark = format!("--{boundary}");
    let mut found = Err(Refused::NoForm);
    let mut rest = body.clone();
    while let Some(at) = find(&rest, mark.as_bytes()) {
        let part = rest.split_to(at);
        rest = rest.slice(mark.len()..);
        if let Some(taken) = read(&part)? {
            found = Ok(taken);
        }
    }
    found
}

/// A part between two boundaries: its bytes if it is the form, nothing if it is another file or none.
fn read(part: &Bytes) -> Result<Option<Bytes>, Refused> {
    let Some(gap) = find(part, b"\r\n\r\n") else { return Ok(None) };
    let head = String::from_utf8_lossy(&part[..gap]).into_owned();
    let Some(head) = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:")) else {
        return Ok(None);
    };
    let value = |name: &str| {
        let at = head.find(&format!("; {name}=\""))? + name.len() + 4;
        head[at..].split('"').next()
    };
    let Some(file_name) = value("filename") else { return Err(Refused::OtherFields) };
    if value("name") != Some(FORM) {
        return Ok(None);
    }
    let end = part.len().saturating_sub(2).max(gap + 4);
    let bytes = part.slice(gap + 4..end);
    match bytes.len() {
        0 => Err(Refused::NoForm),
        length if length > LARGEST => Err(Refused::TooLarge),
        _ if file_name.strip_suffix(".xml").is_none() => Err(Refused::FileName),
        _ => Ok(Some(bytes)),
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(name: &str, file: Option<&str>, content: &str) -> Bytes {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        Bytes::from(format!(
            "--B\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\nContent-Type: text/xml\r\n\r\n{content}\r\n--B--\r\n"
        ))
    }

    #[test]
    fn the_form_part_is_taken_byte_for_byte() {
        assert_eq!(form(&body(FORM, Some("f.xml"), "<a>\r\n</a>"), "B"), Ok(Bytes::from("<a>\r\n</a>")));
    }

    #[test]
    fn other_parts_are_refused_as_hq_does() {
        for (name, file, content, refused) in [
            (FORM, Some("f.txt"), "<a/>", Refused::FileName),
            (FORM, Some("f.xml"), "", Refused::NoForm),
            ("image", Some("f.xml"), "<a/>", Refused::NoForm),
            (FORM, None, "<a/>", Refused::OtherFields),
        ] {
            assert_eq!(form(&body(name, file, content), "B"), Err(refused), "{name} {file:?}");
        }
        assert_eq!(form(&body(FORM, Some("f.xml"), &"x".repeat(LARGEST + 1)), "B"), Err(Refused::TooLarge));
    }

    #[test]
    fn only_multipart_has_a_boundary() {
        assert_eq!(boundary("multipart/form-data; boundary=\"x y\"").as_deref(), Some("x y"));
        assert_eq!(boundary("text/xml; charset=utf-8"), None);
    }
}
