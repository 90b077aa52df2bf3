//! The zip file that an `.xlsx` workbook is, before anything is read of it: unpacked within bounds, with every part's checksum looked
//! at, and put together again without packing. So a small file that unpacks to gigabytes costs no more than the bound, and what reads
//! the workbook sees only what was looked at here.

use std::io::{Read as _, Write as _};

use flate2::{Crc, read::DeflateDecoder};

/// The most bytes that all parts of a workbook may unpack to. A review of 1,106 facilities by 21 properties takes about 25 MiB.
const MOST: usize = 256 * 1024 * 1024;
/// The most parts of a workbook.
const MOST_PARTS: usize = 10_000;
/// How a zip file begins.
const START: &[u8] = b"PK\x03\x04";

/// Whether these bytes are a zip file.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(START)
}

const DAMAGED: &str =
    "the workbook is damaged or was cut off. Open it in the spreadsheet program and save it as .xlsx again";

/// The workbook as a zip file of its XML parts, none of them packed. The error says what the file is or has, and what to do.
pub(super) fn unpacked(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let (entries, count) = directory(bytes).ok_or(DAMAGED)?;
    if count > MOST_PARTS {
        return Err(format!("the workbook has {count} parts, so it is none that a spreadsheet program wrote"));
    }
    let mut plain = Plain::default();
    let mut rest = entries;
    let mut is_workbook = false;
    for _ in 0..count {
        let (entry, after) = Entry::of(rest).ok_or(DAMAGED)?;
        rest = after;
        if entry.name == b"mimetype" {
            return Err("this is an OpenDocument file. Save it as .xlsx or .csv".to_owned());
        }
        if !(entry.name.ends_with(b".xml") || entry.name.ends_with(b".rels")) {
            continue;
        }
        is_workbook |= entry.name.starts_with(b"xl/");
        let part = entry.unpack(bytes, MOST.saturating_sub(plain.bytes.len()))?;
        plain.add(entry.name, &part);
    }
    if !is_workbook {
        return Err("this is a zip file and no .xlsx workbook".to_owned());
    }
    plain.finish().ok_or_else(|| DAMAGED.to_owned())
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at..at + 2)?.try_into().ok().map(|two| usize::from(u16::from_le_bytes(two)))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

fn place(bytes: &[u8], at: usize) -> Option<usize> {
    long(bytes, at).and_then(|number| usize::try_from(number).ok())
}

/// The directory at the end of a zip file, and how many entries it has.
fn directory(bytes: &[u8]) -> Option<(&[u8], usize)> {
    // The record of the end is 22 bytes and a comment of at most 65,535.
    let from = bytes.len().saturating_sub(22 + 65_535);
    let end = from + memchr::memmem::rfind(bytes.get(from..)?, b"PK\x05\x06")?;
    let count = short(bytes, end + 10)?;
    Some((bytes.get(place(bytes, end + 16)?..end)?, count))
}

/// What the directory says of a part.
struct Entry<'a> {
    name: &'a [u8],
    flags: usize,
    method: usize,
    crc: u32,
    packed: usize,
    start: usize,
}

impl<'a> Entry<'a> {
    /// The entry at the beginning of these bytes, and what follows it.
    fn of(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let known = bytes.starts_with(b"PK\x01\x02");
        let (name, extra, comment) = (short(bytes, 28)?, short(bytes, 30)?, short(bytes, 32)?);
        let entry = Self {
            name: bytes.get(46..46 + name)?,
            flags: short(bytes, 8)?,
            method: short(bytes, 10)?,
            crc: long(bytes, 16)?,
            packed: place(bytes, 20)?,
            start: place(bytes, 42)?,
        };
        let rest = bytes.get(46 + name + extra + comment..)?;
        known.then_some((entry, rest))
    }

    /// The part, where it takes no more than `room`.
    fn unpack(&self, bytes: &[u8], room: usize) -> Result<Vec<u8>, String> {
        if self.flags & 1 != 0 {
            return Err("the workbook has a password. Save it without one".to_owned());
        }
        let packed = self.packed(bytes).ok_or(DAMAGED)?;
        let limit = u64::try_from(room).unwrap_or(u64::MAX).saturating_add(1);
        let mut part = Vec::new();
        match self.method {
            0 => packed.take(limit).read_to_end(&mut part),
            8 => DeflateDecoder::new(packed).take(limit).read_to_end(&mut part),
            _ => return Err(DAMAGED.to_owned()),
        }
        .map_err(|_| DAMAGED)?;
        if part.len() > room {
            let most = MOST / (1024 * 1024);
            return Err(format!("the workbook unpacks to more than {most} MiB, so it is none that onse export wrote"));
        }
        let mut crc = Crc::new();
        crc.update(&part);
        if crc.sum() != self.crc || claims_too_much(&part) {
            return Err(DAMAGED.to_owned());
        }
        Ok(part)
    }

    fn packed<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let head = bytes.get(self.start..)?;
        let from = 30 + short(head, 26)? + short(head, 28)?;
        head.starts_with(START).then_some(head)?.get(from..from.checked_add(self.packed)?)
    }
}

/// Whether a part claims to hold more texts than it has bytes: room is made for as many before one is read.
fn claims_too_much(part: &[u8]) -> bool {
    memchr::memmem::find_iter(part, b"uniqueCount").any(|at| {
        let rest = part[at..].iter().skip("uniqueCount".len());
        let digits: Vec<u8> =
            rest.skip_while(|byte| !byte.is_ascii_digit()).take_while(|byte| byte.is_ascii_digit()).copied().collect();
        let count = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
        count.unwrap_or(usize::MAX) > part.len()
    })
}

/// A zip file that is put together, nothing in it packed.
#[derive(Default)]
struct Plain {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
    /// Whether something was too large for its field.
    over: bool,
}

impl Plain {
    fn add(&mut self, name: &[u8], part: &[u8]) {
        let mut crc = Crc::new();
        crc.update(part);
        let (Ok(start), Ok(size), Ok(letters), Some(count)) = (
            u32::try_from(self.bytes.len()),
            u32::try_from(part.len()),
            u16::try_from(name.len()),
            self.count.checked_add(1),
        ) else {
            self.over = true;
            return;
        };
        self.count = count;
        // What both headers share: version 2.0, no flags, not packed, 1980-01-01, checksum, size twice, length of the name.
        let mut shared = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        for number in [crc.sum(), size, size] {
            shared.extend(number.to_le_bytes());
        }
        shared.extend(letters.to_le_bytes());
        shared.extend([0, 0]);
        for (to, parts) in [
            (&mut self.bytes, [START, &shared, name, part]),
            (&mut self.directory, [b"PK\x01\x02\x14\0", &shared, &[0; 10], &start.to_le_bytes()]),
        ] {
            for bytes in parts {
                to.extend_from_slice(bytes);
            }
        }
        self.directory.extend_from_slice(name);
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        let (start, size) = (u32::try_from(self.bytes.len()).ok()?, u32::try_from(self.directory.len()).ok()?);
        self.bytes.append(&mut self.directory);
        let count = self.count.to_le_bytes();
        for bytes in [&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &size.to_le_bytes(), &start.to_le_bytes(), &[0, 0]] {
            self.bytes.write_all(bytes).ok()?;
        }
        (!self.over).then_some(self.bytes)
    }
}
