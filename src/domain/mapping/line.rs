//! A new row as a line in a mapping file's own writing, for a person to copy into it. Nothing is written.

use super::{
    super::{text::inert, value::Number},
    COLUMNS, Mapping,
    read::{Header, Shape},
};

impl Mapping {
    /// A row with these values, in the order of [`COLUMNS`], as the file would write it: with its separator, in the order of its
    /// columns, other columns empty. What could act in a terminal or in a spreadsheet is made harmless (fault matrix rows V10 and
    /// M23). `None` where the file is no mapping.
    pub fn line_of(&self, values: [&str; 4]) -> Option<String> {
        let shape = Shape::of(&self.bytes).ok()?;
        let head = shape.records().next()?;
        let header = Header::find(&head).ok()?;
        let mut cells = vec![String::new(); head.fields.len()];
        for (column, value) in COLUMNS.into_iter().zip(values) {
            *cells.get_mut(header.place(column)?)? = cell(value, char::from(shape.separator));
        }
        Some(cells.join(&char::from(shape.separator).to_string()))
    }
}

/// A value as CSV.
fn cell(value: &str, separator: char) -> String {
    let safe = inert(value);
    let acts = safe.starts_with(['=', '+', '-', '@']) && Number::parse(&safe).is_none();
    let value = if acts { format!("'{safe}") } else { safe.into_owned() };
    if value.contains(['"', '\r', '\n', separator]) || value.trim() != value {
        return format!("\"{}\"", value.replace('"', "\"\""));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_in_every_file_it_was_made_for() {
        let values = ["beds", "asCqjKclllu", "q1Es3k3sZem", " Beds; \"all\",\tof them"];
        for head in [
            "case_property,data_element_id,data_set_id,dhis2_name\nx,,,\n",
            "sep=;\r\nnote;data_set_id;case_property;DHIS2_name;data_element_id;more\r\n;;x;;;\r\n",
            "data_set_id\tcase_property\tdata_element_id\tdhis2_name\rq\tx\t\t\r",
        ] {
            let line = Mapping::read(head.as_bytes()).line_of(values).unwrap();
            let whole = Mapping::read(format!("{head}{line}\n").as_bytes());
            let row = whole.rows.last().unwrap();
            assert_eq!([&row.property, &row.data_element, &row.data_set], ["beds", "asCqjKclllu", "q1Es3k3sZem"]);
            assert_eq!(row.name, "Beds; \"all\",<9>of them");
        }
        let built_in = Mapping::built_in();
        let hostile = ["dhis_x", "asCqjKclllu", "", "=cmd|' /C calc'!A0, \"x\"\u{1b}[2J\r\n"];
        let inert = "dhis_x,asCqjKclllu,,\"'=cmd|' /C calc'!A0, \"\"x\"\"<1B>[2J<D><A>\"";
        assert_eq!(built_in.line_of(hostile).unwrap(), inert);
        assert_eq!(built_in.line_of(["a", "b", "c", "-5"]).unwrap(), "a,b,c,-5");
        assert_eq!(Mapping::read(b"a,b\n1,2\n").line_of(values), None);
    }
}
