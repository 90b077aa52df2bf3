//! Files that are larger than any mapping, and those that are as large as one may be (fault matrix rows M12 and M20).

use onse::domain::mapping::{LIMIT, MOST_ROWS, Mapping};

use crate::{HEAD, said, with};

fn rows(count: usize) -> String {
    let rows = (0..count).map(|n| format!("p{n},e{n:010},s{n:010},N\n"));
    std::iter::once(HEAD.to_owned()).chain(rows).collect::<Vec<_>>().concat()
}

#[test]
fn m20_too_many_rows_values_or_bytes_are_one_problem_with_the_limit() {
    let most = Mapping::read(rows(MOST_ROWS).as_bytes());
    assert_eq!((most.usable().count(), most.problems.len()), (MOST_ROWS, 0));
    let more = Mapping::read(rows(MOST_ROWS + 1).as_bytes());
    assert_eq!(
        said(&more),
        [
            "line 20002: The file is too large: it has more than 20,000 rows that are not blank, and no more are read. Is it a \
          mapping?"
        ]
    );
    let wide = with(&format!("a,asCqjKclllu,q1Es3k3sZem,A{}x\n", ",".repeat(3_000_000)));
    assert_eq!(
        said(&wide),
        ["line 2: The line is too large: it has more than 16,384 values, and no more are read. Is it a mapping?"]
    );
    let long = Mapping::read(&vec![b'a'; LIMIT + 1]);
    assert_eq!(said(&long), ["line 1: The file is too large: it has more than 16 MiB. Is it a mapping?"]);
    for mapping in [more, wide, long] {
        assert!(mapping.unreadable().is_some() && mapping.rows.is_empty());
    }
    // A line of that length is read, and told in few letters.
    let line = with(&format!("a,asCqjKclllu,{},A\n", "x".repeat(4_000_000)));
    assert_eq!(line.problems.len(), 1);
    assert!(said(&line)[0].contains("it has 4000000 characters") && said(&line)[0].len() < 500, "{:?}", said(&line));
}

#[test]
fn m20_a_million_blank_rows_are_no_rows() {
    let text =
        format!("{HEAD}a,asCqjKclllu,q1Es3k3sZem,A\r\n{}b,M2Pkr4zxryN,q1Es3k3sZem,B\r\n", ",,,\r\n".repeat(1_048_574));
    let mapping = Mapping::read(text.as_bytes());
    assert_eq!(crate::lines(&mapping), [(2, "a"), (1_048_577, "b")]);
    assert_eq!(said(&mapping), Vec::<String>::new());
}

#[test]
fn m12_ten_thousand_rows_of_one_property_are_told_in_short_sentences() {
    let mapping = with(&"beds,asCqjKclllu,q1Es3k3sZem,A\n".repeat(10_000));
    assert_eq!((mapping.rows.len(), mapping.usable().count(), mapping.problems.len()), (10_000, 0, 20_000));
    assert!(
        mapping.problems[0].what.contains("on lines 2, 3, 4, 5, 6 and 9,995 more, so which"),
        "{}",
        mapping.problems[0]
    );
    assert!(mapping.problems.iter().all(|problem| problem.what.len() < 150));
}

/// Every row is broken in every way: all is told, and a row is found by its line without going through all.
#[test]
fn twenty_thousand_broken_rows_are_all_told() {
    let rows: Vec<String> = (0..MOST_ROWS).map(|n| format!("b{n} b,\u{a0}asCqj-{n},“{n}”,=A{n}\n")).collect();
    let mapping = with(&rows.concat());
    assert_eq!(mapping.rows.len(), MOST_ROWS);
    assert!((2..=20_001).all(|line| mapping.row(line).is_some_and(|row| row.line == line)));
    assert_eq!((mapping.row(1), mapping.row(20_002)), (None, None));
    let blocking = mapping.problems.iter().filter(|problem| problem.blocks).count();
    assert_eq!((mapping.problems.len(), blocking), (4 * MOST_ROWS + 2, 3 * MOST_ROWS));
}

/// The most memory at once, for files as large as one may be, each with another thing to hold.
#[test]
fn m20_memory_stays_bounded() {
    let head = HEAD.as_bytes();
    let filled = |start: &[u8], unit: &[u8]| -> Vec<u8> {
        let units = (LIMIT - head.len() - start.len()) / unit.len();
        [head, start, &unit.repeat(units)].concat()
    };
    let wide: Vec<u8> = b"\xFF\xFE"
        .iter()
        .chain(&"é".encode_utf16().next().unwrap().to_le_bytes().repeat(LIMIT / 2 - 1))
        .copied()
        .collect();
    let files = [
        ("separators", filled(b"a", b",")),
        ("quoted separators", filled(b"a,\"", b",")),
        ("one value", filled(b"", b"x")),
        ("one value of invisible letters", filled(b"a", "\u{200b}".as_bytes())),
        ("one number", filled(b"a,", b"1/")),
        ("line ends in quotes", filled(b"\"", b"\n")),
        ("line ends", filled(b"", b"\n")),
        ("blank rows", filled(b"", b",,,\n")),
        ("short rows", filled(b"", b"a\n")),
        ("long rows", filled(b"", format!("a,{}\n", "=".repeat(800)).as_bytes())),
        ("Windows-1252", filled(b"", b"\xE9")),
        ("UTF-16", wide),
    ];
    for (name, bytes) in files {
        let mut problems = 0;
        let used = allocation_counter::measure(|| problems = Mapping::read(&bytes).problems.len());
        assert!(used.bytes_max < 256 * 1024 * 1024, "{name}: {} bytes at once", used.bytes_max);
        assert!(problems > 0, "{name}");
    }
}

/// A file of 1 GB in one line, as it lies on a disk: no more of it is read than shows that it is too large.
#[test]
fn m20_a_file_of_a_gigabyte_is_refused_without_reading_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case_property_map.csv");
    let mut file = std::fs::File::create(&path).unwrap();
    std::io::Write::write_all(&mut file, HEAD.as_bytes()).unwrap();
    // What is not written takes no room on the disk and reads as zeros.
    file.set_len(1024 * 1024 * 1024).unwrap();
    let mut said = String::new();
    let used = allocation_counter::measure(|| {
        said = onse::io::config::mapping(Some(&path), None, folder.path()).unwrap_err().to_string();
    });
    assert!(said.contains("case_property_map.csv") && said.contains("more than 16 MiB"), "{said}");
    assert!(used.bytes_max < 64 * 1024 * 1024, "{} bytes at once", used.bytes_max);
}
