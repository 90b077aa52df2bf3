//! Bodies taken in piece by piece. A decoder gives something only when the body ended properly, so that half an answer is
//! never used (fault matrix rows N11, N12).

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// Why a body gives nothing.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::io) enum Bad {
    /// It broke off or was changed on its way; another try may bring it whole.
    Damaged(String),
    /// It is whole, and not what was asked for.
    Shape(String),
    /// It is no JSON object: the beginning of it.
    Other(Vec<u8>),
}

impl From<serde_json::Error> for Bad {
    fn from(error: serde_json::Error) -> Self {
        match error.classify() {
            Category::Data => Self::Shape(error.to_string()),
            Category::Io | Category::Syntax | Category::Eof => Self::Damaged(error.to_string()),
        }
    }
}

/// Takes in a body.
pub(in crate::io) trait Decode: Send {
    /// What it gives.
    type Out;

    /// The next piece. Fails as soon as it is clear that nothing can come of it.
    fn feed(&mut self, piece: &[u8]) -> Result<(), Bad>;

    /// The body ended properly.
    fn end(self) -> Result<Self::Out, Bad>;
}

/// A JSON object, decoded as a whole.
#[derive(Debug)]
pub(super) struct Json<T> {
    body: Vec<u8>,
    to: PhantomData<fn() -> T>,
}

impl<T> Default for Json<T> {
    fn default() -> Self {
        Self { body: Vec::new(), to: PhantomData }
    }
}

impl<T: DeserializeOwned> Decode for Json<T> {
    type Out = T;

    fn feed(&mut self, piece: &[u8]) -> Result<(), Bad> {
        self.body.extend_from_slice(piece);
        Ok(())
    }

    fn end(self) -> Result<T, Bad> {
        let text = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        match text.trim_ascii_start().first() {
            Some(b'{') => Ok(serde_json::from_slice(text)?),
            _ => Err(no_object(self.body)),
        }
    }
}

/// What a body is that does not begin as an object. Whole JSON of another kind and a page are answers; anything else is damage.
pub(in crate::io) fn no_object(body: Vec<u8>) -> Bad {
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
    let page = text.trim_ascii_start().first() == Some(&b'<');
    if page || serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok() {
        Bad::Other(body)
    } else {
        Bad::Damaged("it is no JSON".to_owned())
    }
}
