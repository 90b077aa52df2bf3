//! Changing cells of a mapping file: every other byte stays (fault matrix rows M01 to M05 and M07, "kept on write"), for files of every
//! dialect, those of a spreadsheet program, and whatever a fuzzer finds.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test binary; a failure here is the test's answer")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use encoding_rs::WINDOWS_1252;
use onse::domain::mapping::{COLUMNS, Change, DATA_SET, Mapping, NAME, Row};

#[path = "support/mapping_check.rs"]
#[expect(clippy::expect_used, reason = "a test's own doing")]
mod mapping_check;

fn to(line: u64, column: &'static str, value: &str) -> Change {
    Change { line, column, value: value.to_owned() }
}

/// The file with the data set of a row set to `q1Es3k3sZem`.
fn with_set(bytes: &[u8], line: u64) -> Vec<u8> {
    Mapping::read(bytes).changed(&[to(line, DATA_SET, "q1Es3k3sZem")]).unwrap().bytes
}

const TEXT: &str = "case_property;data_element_id;data_set_id;dhis2_name\nbeds;asCqjKclllu;;Lits, santé\n";

fn filled(text: &str) -> String {
    text.replace("asCqjKclllu;;", "asCqjKclllu;q1Es3k3sZem;")
}

fn utf16(text: &str, mark: [u8; 2], unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    mark.into_iter().chain(text.encode_utf16().flat_map(unit)).collect()
}

#[test]
fn m01_a_byte_order_mark_is_kept() {
    let marked = |text: &str| [b"\xEF\xBB\xBF", text.as_bytes()].concat();
    assert_eq!(with_set(&marked(TEXT), 2), marked(&filled(TEXT)));
    assert_eq!(with_set(TEXT.as_bytes(), 2), filled(TEXT).as_bytes(), "and none is added");
}

#[test]
fn m02_the_separator_and_the_line_that_names_it_are_kept() {
    for separator in [";", ",", "\t", "|"] {
        let text = TEXT.replace(',', "").replace(';', separator);
        let new = filled(&TEXT.replace(',', "")).replace(';', separator);
        assert_eq!(with_set(text.as_bytes(), 2), new.as_bytes(), "{separator:?}");
        for named in [format!("sep={separator}\r\n"), format!("\"SEP={separator}\"\n")] {
            assert_eq!(with_set((named.clone() + &text).as_bytes(), 3), (named + &new).as_bytes(), "{separator:?}");
        }
    }
}

#[test]
fn m03_line_ends_are_kept_as_found() {
    for [one, two, three] in
        [["\n"; 3], ["\r\n"; 3], ["\r"; 3], ["\r\n", "\n", "\r"], ["\r", "\r\n", ""], ["\n", "\r", "\n\r\n"]]
    {
        let text = format!(
            "case_property;data_element_id;data_set_id;dhis2_name{one}beds;asCqjKclllu;;\"a{two}b\"{two}latrines;u5erlSYbxTU;;L{three}"
        );
        let line =
            |property| Mapping::read(text.as_bytes()).rows.iter().find(|row| row.property == property).unwrap().line;
        assert_eq!(with_set(text.as_bytes(), line("beds")), filled(&text).as_bytes());
        let last = text.replace("TU;;", "TU;q1Es3k3sZem;");
        assert_eq!(with_set(text.as_bytes(), line("latrines")), last.as_bytes());
    }
}

#[test]
fn m04_the_encoding_is_kept() {
    let little = |text: &str| utf16(text, [0xFF, 0xFE], u16::to_le_bytes);
    let big = |text: &str| utf16(text, [0xFE, 0xFF], u16::to_be_bytes);
    let western = |text: &str| WINDOWS_1252.encode(text).0.into_owned();
    assert_eq!(with_set(&little(TEXT), 2), little(&filled(TEXT)));
    assert_eq!(with_set(&big(TEXT), 2), big(&filled(TEXT)));
    assert_eq!(with_set(&western(TEXT), 2), western(&filled(TEXT)));
    let named =
        |bytes: &[u8], name: &str| Mapping::read(bytes).changed(&[to(2, NAME, name)]).map(|changed| changed.bytes);
    assert_eq!(named(&big(TEXT), "\u{1f3e5}").unwrap(), big(&TEXT.replace("Lits, santé", "\u{1f3e5}")));
    let two = TEXT.to_owned() + "œufs;;;é\n";
    assert_eq!(named(&western(&two), "“€”").unwrap(), western(&two.replace("Lits, santé", "“€”")));
    let why = named(&western(&two), "\u{1f3e5}").unwrap_err().to_string();
    assert!(why.starts_with("line 2: The file is Windows-1252, which cannot hold \"\u{1f3e5}\""), "{why}");
}

#[test]
fn m05_other_columns_and_the_order_of_all_are_kept() {
    let text = "Notes , DATA_SET_ID,dhis2_name,\"Case_Property\",x,data_element_id,\r\n\
                \"a, \"\"b\"\"\n\",, Beds ,beds,\t1,asCqjKclllu,,\r\n=1+1,,L,latrines\r\n";
    let one = text.replace("\n\",, Beds", "\n\",q1Es3k3sZem, Beds");
    assert_eq!(with_set(text.as_bytes(), 2), one.as_bytes());
    assert_eq!(with_set(text.as_bytes(), 4), text.replace("=1+1,,", "=1+1,q1Es3k3sZem,").as_bytes());
}

#[test]
fn m07_blank_rows_and_trailing_separators_are_kept() {
    let text = "\n;;;\ncase_property;data_element_id;data_set_id;dhis2_name;;\n \n;;\nbeds;asCqjKclllu;;Beds;;;;\n\n;;;;;;;\n \u{a0};\n";
    assert_eq!(with_set(text.as_bytes(), 6), filled(text).as_bytes());
}

/// How a file writes its letters.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Writing {
    Utf8,
    Marked,
    Little,
    Big,
    Western,
}

impl Writing {
    fn mark(self) -> &'static [u8] {
        match self {
            Self::Utf8 | Self::Western => b"",
            Self::Marked => b"\xEF\xBB\xBF",
            Self::Little => b"\xFF\xFE",
            Self::Big => b"\xFE\xFF",
        }
    }

    fn bytes(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 | Self::Marked => text.as_bytes().to_vec(),
            Self::Little => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Big => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Western => {
                let (bytes, _, lost) = WINDOWS_1252.encode(text);
                assert!(!lost, "{text:?}");
                bytes.into_owned()
            }
        }
    }
}

/// A part of a file that the test knows the place and the owner of.
#[derive(Clone, Debug)]
struct Piece {
    text: String,
    /// Its row and which of its values it is; one behind the last is where a short row ends.
    cell: Option<(usize, usize)>,
}

/// A file built of pieces.
struct Built {
    writing: Writing,
    separator: char,
    pieces: Vec<Piece>,
    /// What the rows hold, in the order of the header.
    rows: Vec<Vec<String>>,
    /// Where the four columns stand.
    places: [usize; 4],
    /// A byte behind the last letter, in UTF-16.
    odd: bool,
}

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('"', "\"\""))
}

fn needs_quotes(value: &str, separator: char) -> bool {
    value.contains(['"', '\r', '\n', separator])
}

/// What may stand in a cell before, and be written to one; all but the last two can be said in Windows-1252.
const VALUES: [&str; 14] = [
    "asCqjKclllu",
    "q1Es3k3sZem",
    "M2Pkr4zxryN",
    "",
    "beds",
    "Lits; santé, œuvre\t|",
    "say \"yes\" now",
    "two\nlines",
    "two\r\nmore\rlines",
    "1234567890",
    "=1+1",
    "un “€” naïf",
    "\u{4e2d}\u{6587}",
    "\u{1f3e5}",
];

impl Built {
    fn new(dice: &mut Dice) -> Self {
        let all = [Writing::Utf8, Writing::Marked, Writing::Little, Writing::Big, Writing::Western];
        let writing = all[dice.below(5)];
        let separator = [';', ',', '\t', '|'][dice.below(4)];
        let (mut header, mut names) = (Vec::new(), COLUMNS.to_vec());
        while !names.is_empty() {
            header.push(names.remove(dice.below(names.len())).to_owned());
            if dice.chance(30) {
                header.push(format!("x{}", header.len()));
            }
        }
        // A letter that is not UTF-8, where the rows have none.
        header.push("not\u{e9}".to_owned());
        let places = COLUMNS.map(|column| header.iter().position(|name| name == column).unwrap());
        let odd = matches!(writing, Writing::Little | Writing::Big) && dice.chance(30);
        let mut built = Self { writing, separator, pieces: Vec::new(), rows: Vec::new(), places, odd };
        let ends: &[&str] = [&["\n"][..], &["\r\n"], &["\r"], &["\n", "\r\n", "\r"]][dice.below(4)];
        if dice.chance(30) {
            built.plain(&format!("sep={separator}{}", dice.one(ends)));
        }
        built.header(&header, dice);
        let all_quoted = dice.chance(30);
        for _ in 0..=dice.below(12) {
            built.plain(dice.one(ends));
            if dice.chance(20) {
                let blank =
                    [String::new(), " ".to_owned(), separator.to_string().repeat(3), format!(" {separator}\u{a0}")];
                built.plain(&blank[dice.below(4)]);
            } else {
                built.row(header.len(), all_quoted, dice);
            }
        }
        if dice.chance(20) {
            built.plain(dice.one(ends));
            built.rows.push(vec!["open".to_owned()]);
            built.plain("\"open");
        } else if dice.chance(70) {
            built.plain(dice.one(ends));
        }
        built
    }

    fn plain(&mut self, text: &str) {
        self.pieces.push(Piece { text: text.to_owned(), cell: None });
    }

    fn header(&mut self, header: &[String], dice: &mut Dice) {
        for (at, name) in header.iter().enumerate() {
            if at > 0 {
                self.plain(&self.separator.to_string());
            }
            let name = if dice.chance(20) { name.to_uppercase() } else { name.clone() };
            match dice.below(3) {
                0 => self.plain(&quoted(&name)),
                1 => self.plain(&format!(" {name} ")),
                _ => self.plain(&name),
            }
        }
    }

    /// A row; some are too short and some too long.
    fn row(&mut self, columns: usize, all_quoted: bool, dice: &mut Dice) {
        let row = self.rows.len();
        let width = if dice.chance(15) { 1 + dice.below(columns) } else { columns };
        let mut values = Vec::new();
        for at in 0..width {
            if at > 0 {
                self.plain(&self.separator.to_string());
            }
            let mut value = self.value(dice);
            // A row with nothing in it would be none.
            if at == 0 && value.is_empty() {
                "x".clone_into(&mut value);
            }
            let (text, value) = match dice.below(8) {
                0 if at > 0 => ("5\" pipe ".to_owned(), "5\" pipe ".to_owned()),
                1 if !needs_quotes(&value, self.separator) => (format!(" {value}\u{a0}"), format!(" {value}\u{a0}")),
                2 => (quoted(&format!(" {value} ")), format!(" {value} ")),
                _ if all_quoted || needs_quotes(&value, self.separator) || dice.chance(20) => (quoted(&value), value),
                _ => (value.clone(), value),
            };
            self.pieces.push(Piece { text, cell: Some((row, at)) });
            values.push(value);
        }
        self.pieces.push(Piece { text: String::new(), cell: Some((row, width)) });
        if width == columns && dice.chance(10) {
            self.plain(&self.separator.to_string().repeat(3));
        }
        self.rows.push(values);
    }

    fn value(&self, dice: &mut Dice) -> String {
        let most = if self.writing == Writing::Western { VALUES.len() - 2 } else { VALUES.len() };
        VALUES[dice.below(most)].to_owned()
    }

    fn file(&self, pieces: &[Piece]) -> Vec<u8> {
        let mut bytes = self.writing.mark().to_vec();
        for piece in pieces {
            bytes.extend(self.writing.bytes(&piece.text));
        }
        bytes.extend(self.odd.then_some(b'!'));
        bytes
    }

    /// The line each row starts on.
    fn lines(&self) -> Vec<u64> {
        let (mut lines, mut before) = (Vec::new(), String::new());
        for piece in &self.pieces {
            let first = matches!(piece.cell, Some((_, 0))) || piece.text == "\"open";
            if first {
                let ends = before.replace("\r\n", "\n").replace('\r', "\n");
                lines.push(1 + u64::try_from(ends.matches('\n').count()).unwrap());
            }
            before.push_str(&piece.text);
        }
        lines
    }

    /// The four cells of a row as they read.
    fn reads(&self, values: &[String]) -> [String; 4] {
        self.places.map(|at| values.get(at).map_or("", String::as_str).trim().to_owned())
    }

    /// Cells to change, by row and place in it. Such as would be refused are left out: where a value may have rows in it.
    fn wanted(&self, dice: &mut Dice) -> BTreeMap<(usize, usize), String> {
        let mut wanted = BTreeMap::new();
        for _ in 0..=dice.below(6) {
            let (row, place) = (dice.below(self.rows.len()), self.places[dice.below(4)]);
            let open = self.rows[row] == ["open"];
            let old = self.rows[row].get(place).map_or("", String::as_str);
            let rows_in_it = old.split(['\r', '\n']).skip(1).any(|line| line.contains(self.separator));
            let mut new = self.value(dice);
            if place == 0 && new.is_empty() {
                "y".clone_into(&mut new);
            }
            if !open && !rows_in_it {
                wanted.insert((row, place), new);
            }
        }
        wanted
    }

    /// The pieces with these cells changed, by the rules a person would expect: quotes where there were some or some are needed,
    /// and the separators a short row has not.
    fn expected(&self, wanted: &BTreeMap<(usize, usize), String>) -> Vec<Piece> {
        let mut pieces = self.pieces.clone();
        for Piece { text, cell } in &mut pieces {
            let Some((row, at)) = *cell else { continue };
            let width = self.rows[row].len();
            if at == width {
                let beyond = wanted.range((row, width)..(row + 1, 0)).filter(|(_, value)| !value.is_empty());
                let mut next = width;
                for ((_, place), value) in beyond {
                    text.push_str(&self.separator.to_string().repeat(place + 1 - next));
                    text.push_str(&if needs_quotes(value, self.separator) { quoted(value) } else { value.clone() });
                    next = place + 1;
                }
            } else if let Some(value) = wanted.get(&(row, at)).filter(|value| self.rows[row][at].trim() != **value) {
                let quotes = text.starts_with('"') || needs_quotes(value, self.separator);
                *text = if quotes { quoted(value) } else { value.clone() };
            }
        }
        pieces
    }
}

fn cells(row: &Row) -> [String; 4] {
    [&row.property, &row.data_element, &row.data_set, &row.name].map(Clone::clone)
}

/// Builds the file of a seed, changes some of its cells, and compares all bytes and all values.
fn round_trip(seed: u64) {
    let mut dice = Dice(seed);
    let built = Built::new(&mut dice);
    if built.rows.is_empty() {
        return;
    }
    let bytes = built.file(&built.pieces);
    let mapping = Mapping::read(&bytes);
    let mut model: Vec<[String; 4]> = built.rows.iter().map(|values| built.reads(values)).collect();
    assert_eq!(mapping.rows.iter().map(cells).collect::<Vec<_>>(), model);
    let lines = built.lines();
    assert_eq!(mapping.rows.iter().map(|row| row.line).collect::<Vec<_>>(), lines);
    let wanted = built.wanted(&mut dice);
    let mut changes = Vec::new();
    for ((row, place), value) in &wanted {
        let column = built.places.iter().position(|at| at == place).unwrap();
        changes.insert(dice.below(changes.len() + 1), to(lines[*row], COLUMNS[column], value));
        model[*row][column].clone_from(value);
    }
    let new = mapping.changed(&changes).unwrap_or_else(|why| panic!("{why}: {changes:?}"));
    assert_eq!(new.bytes, built.file(&built.expected(&wanted)));
    assert_eq!(Mapping::read(&new.bytes).rows.iter().map(cells).collect::<Vec<_>>(), model);
    let mut told: Vec<u64> = wanted.keys().map(|(row, _)| lines[*row]).collect();
    told.dedup();
    told.retain(|line| new.lines.iter().any(|change| change.line == *line));
    assert_eq!(new.lines.iter().map(|change| change.line).collect::<Vec<_>>(), told);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(1_000))]
    #[test]
    fn all_other_bytes_stay_in_a_file_of_any_dialect(seed: u64) {
        round_trip(seed);
    }

    #[test]
    fn whatever_the_bytes_are_a_change_is_made_or_refused(
        tail in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
        rows in "([a-z]{0,3}[,;\"\r\n]){0,20}",
    ) {
        let head = COLUMNS.join(",");
        mapping_check::check(&[head.as_bytes(), b"\n", rows.as_bytes(), &tail].concat());
    }
}

/// The fuzzer's seeds, and what it found since.
#[test]
fn the_seeds_of_the_fuzzer_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/mapping");
    let seeds: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(seeds.len() >= 100, "{}", seeds.len());
    let (mut read, mut refused) = (0, 0);
    for seed in seeds {
        let bytes = fs::read(&seed).unwrap();
        println!("{}", seed.display());
        mapping_check::check(&bytes);
        if Mapping::read(&bytes).rows.is_empty() { refused += 1 } else { read += 1 }
    }
    assert!(read > 80 && refused > 5, "{read} read, {refused} refused");
}

fn data(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mapping").join(name)).unwrap()
}

/// The four rows whose data sets nobody knew.
const WAITING: [[&str; 4]; 4] = [
    ["dhis_quarterly_estimated_pregnant_women_in_area", "GxqYLY3iWcz", "", "CHD EPI Pregnant women"],
    [
        "dhis_sputum_collection_points",
        "BU493LnfBTD",
        "",
        "TB COMM Number of Sputum sample collection points in the catchment",
    ],
    [
        "dhis_sputum_collection_points_functioning",
        "GhUn5j5ajzK",
        "",
        "TB COMM Number of Functional Sputum sample collection points in the catchment",
    ],
    ["dhis_hiv_ve_clients_on_art", "E2TaryAVqeT", "", "NCD CC HIV Status +Ve on ART"],
];

#[test]
fn files_of_a_spreadsheet_program_are_read_and_written_back() {
    let files = [
        ("utf8-comma.csv", Writing::Utf8, ','),
        ("utf8-semicolon-quoted.csv", Writing::Utf8, ';'),
        ("windows1252-semicolon.csv", Writing::Western, ';'),
        ("utf16-tab.csv", Writing::Little, '\t'),
    ];
    let mut wanted: Vec<[String; 4]> = Mapping::built_in().rows.iter().map(cells).collect();
    wanted.extend(WAITING.map(|row| row.map(str::to_owned)));
    for (name, writing, separator) in files {
        let bytes = data(name);
        let mapping = Mapping::read(&bytes);
        assert_eq!(mapping.rows.iter().map(cells).collect::<Vec<_>>(), wanted, "{name}");
        assert_eq!(mapping.usable().count(), 21, "{name}");
        for [property, element, _, _] in WAITING {
            let row = mapping.rows.iter().find(|row| row.property == property).unwrap();
            let changed = mapping.changed(&[to(row.line, DATA_SET, "VEqRXwmqhM1")]).unwrap();
            let at = |text: &str| {
                let text = writing.bytes(text);
                bytes.windows(text.len()).position(|part| part == text).map(|at| at + text.len())
            };
            // Nothing is written between the two separators, quoted or not.
            let quoted = at(&format!("{element}\"{separator}"));
            let at = quoted.or_else(|| at(&format!("{element}{separator}"))).unwrap();
            let id = writing.bytes("VEqRXwmqhM1");
            assert_eq!(changed.bytes, [&bytes[..at], &id, &bytes[at..]].concat(), "{name}");
            let again = Mapping::read(&changed.bytes);
            assert_eq!((again.usable().count(), again.rows.len()), (22, 25), "{name}");
            assert_eq!(again.row(row.line).unwrap().data_set, "VEqRXwmqhM1", "{name}");
        }
    }
}

#[test]
fn m21_workbooks_of_a_spreadsheet_program_are_refused_and_not_written() {
    for name in ["workbook.xlsx", "small.ods", "small.xls"] {
        let mapping = Mapping::read(&data(name));
        let problem = mapping.unreadable().unwrap();
        assert!(problem.what.contains("CSV UTF-8"), "{name}: {problem}");
        let why = mapping.changed(&[to(2, DATA_SET, "q1Es3k3sZem")]).unwrap_err();
        assert_eq!((why.line, &why.what), (problem.line, &problem.what), "{name}");
    }
}

/// A mapping of so many rows with no data set yet, and the time until all have one; the best of three.
fn time_of(rows: usize) -> Duration {
    let mut text = COLUMNS.join(",");
    text.push('\n');
    text.extend((0..rows).map(|row| format!("p{row},a{row:010},,Name of it\n")));
    let mapping = Mapping::read(text.as_bytes());
    let changes: Vec<Change> = mapping.rows.iter().rev().map(|row| to(row.line, DATA_SET, "q1Es3k3sZem")).collect();
    assert_eq!(changes.len(), rows);
    let once = || {
        let started = Instant::now();
        let new = mapping.changed(&changes).unwrap();
        assert_eq!(new.lines.len(), rows);
        assert_eq!(new.bytes.len(), text.len() + rows * 11);
        started.elapsed()
    };
    [once(), once(), once()].into_iter().min().unwrap()
}

#[test]
fn two_thousand_rows_change_in_one_go() {
    let (some, many) = (time_of(2_000), time_of(16_000));
    println!("2,000 rows: {some:?}, 16,000 rows: {many:?}");
    assert!(some < Duration::from_secs(1), "{some:?}");
    // Eight times as many take eight times as long, not 64 times.
    assert!(many < some * 32, "{some:?} and {many:?}");
}
