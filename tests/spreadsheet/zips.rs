//! Zip files made and taken apart by hand, for workbooks that no program writes.

use std::io::{Read as _, Write as _};

use flate2::{Compression, Crc, read::DeflateDecoder, write::DeflateEncoder};

fn short(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()))
}

fn long(bytes: &[u8], at: usize) -> usize {
    usize::try_from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())).unwrap()
}

/// Every part of a zip file.
pub(crate) fn each(bytes: &[u8], mut part: impl FnMut(&str, &[u8])) {
    let end = bytes.len() - 22;
    let mut at = long(bytes, end + 16);
    for _ in 0..short(bytes, end + 10) {
        let (name, extra, comment) = (short(bytes, at + 28), short(bytes, at + 30), short(bytes, at + 32));
        let local = long(bytes, at + 42);
        let from = local + 30 + short(bytes, local + 26) + short(bytes, local + 28);
        let packed = &bytes[from..from + long(bytes, at + 20)];
        let mut plain = Vec::new();
        match short(bytes, at + 10) {
            0 => plain.extend_from_slice(packed),
            _ => assert!(DeflateDecoder::new(packed).read_to_end(&mut plain).unwrap() > 0),
        }
        part(std::str::from_utf8(&bytes[at + 46..at + 46 + name]).unwrap(), &plain);
        at += 46 + name + extra + comment;
    }
}

fn packed(part: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(part).unwrap();
    encoder.finish().unwrap()
}

/// A zip file of these parts: what lies in `_rels` as it stands, all else packed, and with fields of its own as some programs
/// write them.
pub(crate) fn zip(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, part) in parts {
        let stored = name.starts_with("_rels/");
        let packed = if stored { part.clone() } else { packed(part) };
        let mut crc = Crc::new();
        crc.update(part);
        let mut head = vec![20, 0, 0, 0, if stored { 0 } else { 8 }, 0, 0, 0, 0x21, 0];
        for number in [crc.sum(), u32::try_from(packed.len()).unwrap(), u32::try_from(part.len()).unwrap()] {
            head.extend(number.to_le_bytes());
        }
        head.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        head.extend(5_u16.to_le_bytes());
        let (start, extra) = (u32::try_from(bytes.len()).unwrap().to_le_bytes(), [0xfe, 0xca, 1, 0, 7]);
        bytes.extend([b"PK\x03\x04", &head[..], name.as_bytes(), &extra, &packed].concat());
        let comment = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let parts = [b"PK\x01\x02\x14\0", &head[..], &comment, &start, name.as_bytes(), &extra, b"why"];
        directory.extend(parts.concat());
    }
    let (start, size) = (u32::try_from(bytes.len()).unwrap(), u32::try_from(directory.len()).unwrap());
    let count = u16::try_from(parts.len()).unwrap().to_le_bytes();
    bytes.append(&mut directory);
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &size.to_le_bytes(), &start.to_le_bytes(), &[0, 0]].concat();
    bytes.extend(end);
    bytes
}

/// A workbook with one part changed.
pub(crate) fn with(book: &[u8], wanted: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let mut parts = Vec::new();
    each(book, |name, part| {
        let part = if name == wanted { change(std::str::from_utf8(part).unwrap()).into_bytes() } else { part.to_vec() };
        parts.push((name.to_owned(), part));
    });
    zip(&parts)
}
