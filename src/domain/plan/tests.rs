use super::*;

#[test]
fn a_cell_is_a_change_only_where_a_number_differs() {
    let cases = [
        (Some("28"), Some("31"), State::Reported, Kind::Change),
        (None, Some("31"), State::Reported, Kind::Change),
        (None, Some("0"), State::ReportedZero, Kind::Change),
        (Some("12"), Some("12.0"), State::Reported, Kind::Same),
        (Some("12"), None, State::NotReported, Kind::Without),
        (Some("12"), Some("12 (est)"), State::NonNumeric, Kind::Without),
        (Some("12"), None, State::FetchFailed, Kind::Without),
    ];
    for (old, held, state, kind) in cases {
        let plan = sample(1, 1, |draft| draft.set(Cell { facility: 0, property: 0 }, old, held, state));
        let cell = Cell { facility: 0, property: 0 };
        assert_eq!(plan.kind(cell), kind, "{old:?} {held:?}");
        assert_eq!(plan.new_value(cell).is_some(), state.proposes());
        assert_eq!(plan.held(cell), held);
        assert_eq!(plan.incomplete(), state == State::FetchFailed);
    }
}
