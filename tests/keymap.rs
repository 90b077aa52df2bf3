//! The one table of keys: nothing bound twice, nothing without a key, and a way out everywhere; whatever the settings change
//! of it; and `docs/keys.md` is made from it.

mod common;

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::Path};

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyEventState, KeyModifiers};
use onse::{
    domain::text::width,
    tui::{
        keymap::{self, Action, Change, GROUPS, Keymap, Press, STACKS, Scope, TABLE, why_not},
        model::{Look, Model, Run},
        msg::{Msg, Now},
        screen::{Screen, draw},
        update::update,
    },
};
use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect};

#[test]
fn every_key_can_be_read_and_is_shown_as_it_is_read() {
    let keys = Keymap::default();
    for (row, bound) in TABLE.iter().zip(keys.rows()) {
        assert_eq!(row.keys.len(), bound.presses.len());
        for key in row.keys {
            let press = Press::parse(key).unwrap_or_else(|| panic!("no key {key}"));
            assert_eq!(press.to_string(), *key);
        }
    }
    for text in
        ["", "ab", "ctrl-", "shift-a", "ctrl-A", "hyper-x", "enter ", " ", "\u{7}", "\u{202e}", "\u{301}", "診", "f13"]
    {
        assert_eq!(Press::parse(text), None, "{text:?}");
    }
}

#[test]
fn no_key_is_bound_twice_in_a_scope() {
    for (i, row) in TABLE.iter().enumerate() {
        for key in row.keys {
            let also = TABLE.iter().skip(i + 1).find(|other| other.scope == row.scope && other.keys.contains(key));
            assert!(also.is_none(), "{key} in {:?} is {:?} and {also:?}", row.scope, row.action);
            assert_eq!(row.keys.iter().filter(|other| *other == key).count(), 1);
        }
    }
}

#[test]
fn every_row_has_a_key_and_words_and_every_name_one_action() {
    let mut names: BTreeSet<(&str, String)> = BTreeSet::new();
    for row in TABLE {
        assert!(!row.keys.is_empty() && !row.label.is_empty() && !row.show.is_empty(), "{row:?}");
        assert!(GROUPS.contains(&row.group), "{row:?}");
        assert!(width(row.label) <= 23 && width(row.show) <= 9, "{} {}", row.show, row.label);
        let name = row.action.name();
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
        names.insert((name, format!("{:?}", row.action)));
        let keeps = row.action.keeps();
        assert!(keeps.is_none_or(|key| row.scope.is_typed() || row.keys.contains(&key)), "{name} has {keeps:?}");
    }
    let distinct: BTreeSet<&str> = names.iter().map(|(name, _)| *name).collect();
    assert_eq!(distinct.len(), names.len(), "a name of two actions: {names:?}");
}

#[test]
fn only_the_count_and_a_question_can_send_or_decide_in_bulk() {
    for row in TABLE {
        match row.action {
            Action::Send => assert_eq!(row.scope, Scope::Ready),
            Action::Yes => assert_eq!((row.scope, row.keys), (Scope::Question, &["y"][..])),
            Action::Zeros | Action::KeepOld => {
                assert_eq!(row.scope, Scope::Choice);
                assert!(row.keys != ["O"], "the key that asks does not answer");
            }
            Action::Make(_) | Action::TakeBack => {
                assert_eq!(row.scope, Scope::Months);
                assert!(!["enter", "a", "y", "F"].contains(&row.keys[0]), "no key that asks or approves elsewhere");
            }
            Action::Approve | Action::Zero | Action::ZeroAll | Action::Reject | Action::ApproveAll => {
                assert_eq!(row.scope, Scope::Review);
                assert!(!row.keys.iter().any(|key| ["enter", "esc", "space", "y", "tab"].contains(key)));
            }
            _ => {}
        }
        let looks = row.keys.iter().any(|key| Press::parse(key).unwrap().looks_around());
        if row.action.writes() && looks {
            let known = [(Action::Toggle, Scope::Review), (Action::Send, Scope::Ready)];
            assert!(known.contains(&(row.action, row.scope)), "{row:?} writes with a key to look around");
        }
    }
}

#[test]
fn there_is_a_way_out_at_every_size_and_in_every_prompt() {
    let interrupt = Press::parse("ctrl-c").unwrap();
    for (width, height) in [(0, 0), (20, 10), (80, 24)] {
        for keys in [&[][..], &["?"], &["?", "x"], &["L"]] {
            let mut model = Model::new(Run::default(), Look::default(), (width, height));
            for key in keys {
                update(&mut model, Msg::Key(Press::parse(key).unwrap()), &Now::default());
            }
            let found = model.keys.find(keymap::scopes(&model), interrupt).unwrap();
            assert_eq!(found.action, Action::Interrupt);
            update(&mut model, Msg::Key(interrupt), &Now::default());
            assert!(model.leaving);
        }
    }
}

/// One line of `[keys]`; every key on the line after it.
fn change(name: &str, line: u64, keys: &[&str]) -> Change {
    Change { name: name.to_owned(), line, keys: keys.iter().map(|key| (line, (*key).to_owned())).collect() }
}

/// What is said of these lines, the first on line 1.
fn refused(changes: &[(&str, &[&str])]) -> Vec<(u64, String)> {
    let changes: Vec<Change> = changes.iter().zip(1..).map(|((name, keys), line)| change(name, line, keys)).collect();
    let faults = Keymap::changed(&changes).err().unwrap_or_default();
    faults.into_iter().map(|fault| (fault.line, fault.what)).collect()
}

/// Lines of `[keys]`, the line at fault, and what is said of it.
type Case = (&'static [(&'static str, &'static [&'static str])], u64, &'static str);

#[test]
fn every_change_that_cannot_be_is_refused_with_its_line() {
    let cases: &[Case] = &[
        (
            &[("aprove", &["x"])],
            1,
            "There is no action \"aprove\". Perhaps \"approve\" is meant. Known: zero, approve,",
        ),
        (&[("approve", &["contrl-x"])], 1, "\"contrl-x\" is no key. A key is one character, such as a"),
        (&[("approve", &["shift-a"])], 1, "\"shift-a\" is no key"),
        (&[("approve", &["x", "x"])], 1, "[keys] approve: \"x\" stands there twice."),
        (&[("approve", &["r"])], 1, "\"r\" is a key of reject already (Properties and Facilities)"),
        (&[("approve", &["x"]), ("reject", &["x"])], 2, "[keys] reject: \"x\" is a key of approve already by line 1"),
        (&[("approve", &["g"])], 1, "\"g\" is a key of first already (lists)"),
        (
            &[("undo", &["ctrl-c"])],
            1,
            "is a key of interrupt already (everywhere, even in a prompt), where both can be meant. Choose another key.",
        ),
        (&[("approve", &["enter"])], 1, "enter is a key to look around with, and such a key writes nothing"),
        (&[("reject", &["esc"])], 1, "esc is a key to look around with"),
        (&[("approve", &["space"])], 1, "space is a key to look around with"),
        (&[("approve-all", &["shift-down"])], 1, "shift-down is a key to look around with"),
        (&[("undo", &["tab"])], 1, "tab is a key to look around with"),
        (&[("toggle", &["x"])], 1, "[keys] toggle cannot be changed: space marks"),
        (&[("yes", &["x"])], 1, "[keys] yes cannot be changed"),
        (&[("interrupt", &[])], 1, "[keys] interrupt cannot be changed: ctrl-c always leaves"),
        (&[("send", &["x"])], 1, "[keys] send cannot be changed: the count is typed"),
        (
            &[("approve-all", &["y"]), ("copy", &["x"])],
            1,
            "y answers a question, and the key that asks is not the one that answers",
        ),
        (&[("zero-all", &["r"])], 1, "r answers the question about (0?)"),
        (&[("approve", &["7"])], 1, "7 is a digit, and digits open tabs and count"),
        (&[("help", &[])], 1, "[keys] help needs a key"),
        (&[("leave", &[])], 1, "[keys] leave needs a key"),
        (
            &[("close", &["x"])],
            1,
            "[keys] close keeps \"esc\", which the screen names. Write close = [\"esc\", \"x\"].",
        ),
        (&[("tab-submit", &[])], 1, "tab-submit keeps \"4\""),
        (&[("suspend", &["z"])], 1, "z is typed in prompts, where this works too"),
        (&[("redraw", &["ctrl-u"])], 1, "ctrl-u is typed in prompts"),
        (&[("filter", &["ctrl-i"])], 1, "a terminal sends ctrl-i as tab"),
    ];
    for (changes, line, what) in cases {
        let said = refused(changes);
        assert!(said.iter().any(|(at, text)| at == line && text.contains(what)), "{changes:?}: {said:?} has no {what}");
        assert_eq!(said.len(), 1, "{changes:?}: {said:?}");
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once_in_the_order_of_lines() {
    let said = refused(&[("undo", &["backspace"]), ("sparkle", &["x"]), ("approve", &["enter", "r", "ab"])]);
    assert_eq!(said.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 3, 3]);
}

#[test]
fn changes_that_make_sense_are_taken() {
    let taken: &[&[(&str, &[&str])]] = &[
        &[("undo", &["u", "backspace"])],
        &[("next-left", &["]"]), ("next-flag", &["n"])],
        &[("reject-all", &[])],
        &[("help", &["f1"])],
        &[("tab-submit", &["4", "f4"])],
        &[("approve", &["y"]), ("copy", &["x"])],
        &[("leave", &["x"])],
    ];
    for changes in taken.iter().filter(|changes| changes[0].0 != "approve") {
        assert_eq!(refused(changes), [], "{changes:?}");
    }
    assert_eq!(refused(taken[5]).len(), 1, "y would ask for the REVIEW ones and answer");
}

#[test]
fn a_changed_key_to_leave_closes_what_covers_the_screen_first() {
    let mut model = common::model(30, Look::default(), (80, 24));
    model.keys = Keymap::changed(&[change("leave", 1, &["x"]), change("close", 2, &["esc"])]).unwrap();
    common::press(&mut model, "3 L x");
    assert!(model.over.is_none() && !model.leaving, "the messages were closed");
    common::press(&mut model, "q");
    assert!(!model.leaving, "q is no key any more");
    common::press(&mut model, "x");
    assert!(model.leaving);
}

/// The screen as text.
fn shown(model: &Model) -> String {
    let mut buf = Buffer::empty(Rect::new(0, 0, model.size.0, model.size.1));
    draw(model, &mut buf);
    let width = usize::from(model.size.0);
    buf.content
        .chunks(width)
        .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>() + "\n")
        .collect()
}

#[test]
fn a_change_reaches_key_footer_help_sentences_and_documents() {
    let keys = Keymap::changed(&[
        change("approve", 1, &["x"]),
        change("undo", 2, &["backspace"]),
        change("help", 3, &["H"]),
        change("next-property", 4, &["right", ">"]),
    ])
    .unwrap();
    let mut model = common::model(30, Look::default(), (120, 40));
    model.keys = keys.clone();
    common::press(&mut model, "3");
    let approved = |model: &Model| model.review.as_ref().unwrap().ledger.all().approved;
    let before = approved(&model);
    common::press(&mut model, "a");
    assert_eq!(approved(&model), before, "a is no key any more");
    common::press(&mut model, "x");
    assert!(approved(&model) > before);
    let screen = shown(&model);
    assert!(screen.contains(" x approve facility  r reject"), "{screen}");
    assert!(screen.contains("H help") && screen.contains("backspace undo"), "{screen}");
    common::press(&mut model, "backspace");
    assert_eq!(approved(&model), before);
    common::press(&mut model, "H");
    let screen = shown(&model);
    assert!(screen.contains("  x            approve") && screen.contains("esc close"), "{screen}");
    assert!(screen.contains("keys can be changed in config.toml under [keys]"), "{screen}");
    common::press(&mut model, "esc 2");
    assert!(shown(&model).contains("← > property") || shown(&model).contains("h > property"), "{}", shown(&model));
    let page = page(&keys);
    assert!(
        page.contains("| `x` | approve | `approve` |") && page.contains("| `backspace` | undo | `undo` |"),
        "{page}"
    );
    assert!(!page.contains("| `a` |"));
}

#[test]
fn a_key_that_was_taken_is_nowhere() {
    let keys = Keymap::changed(&[change("approve", 1, &[]), change("zero-all", 2, &[])]).unwrap();
    let mut model = common::model(30, Look::default(), (120, 40));
    model.keys = keys;
    common::press(&mut model, "3");
    assert!(keymap::footer(&model, 200).iter().all(|hint| hint.action != Action::Approve && !hint.keys.is_empty()));
    assert!(keymap::help(&model, "").iter().all(|at| TABLE[*at].action != Action::Approve));
    assert!(
        why_not(&model, Action::Zero).unwrap().contains("no key asks for all"),
        "{:?}",
        why_not(&model, Action::Zero)
    );
}

#[test]
fn every_footer_fits() {
    for size in [(60, 20), (80, 24), (120, 40), (200, 60)] {
        for screen in Screen::ALL {
            for keys in ["", "?", "L", "s", "/", "A"] {
                let mut model = common::model(30, Look::default(), size);
                common::press(&mut model, &format!("{} {keys}", screen.digit()));
                let hints = keymap::footer(&model, size.0);
                let wide: usize = hints.iter().map(|hint| width(hint.keys) + 1 + width(hint.label)).sum();
                assert!(
                    !hints.is_empty() && wide + 2 * (hints.len() - 1) + 2 <= usize::from(size.0),
                    "{screen:?} {keys}"
                );
            }
        }
    }
}

#[test]
fn the_help_has_each_group_once_and_says_why_something_cannot_be() {
    for size in [(60, 16), (80, 24), (120, 40)] {
        let mut model = common::model(30, Look::default(), size);
        common::press(&mut model, "3 ?");
        let rows = keymap::help(&model, "");
        let mut groups: Vec<&str> = rows.iter().map(|at| TABLE[*at].group).collect();
        groups.dedup();
        assert_eq!(groups.iter().collect::<BTreeSet<_>>().len(), groups.len(), "{groups:?}");
        common::press(&mut model, "r e d o");
        let screen = shown(&model);
        assert!(screen.contains("redo") && screen.contains("not now: nothing to redo"), "{screen}");
        assert!(!screen.contains("Decide"), "no heading over what was found: {screen}");
        assert_eq!(screen.contains("Marks"), size.1 >= 24, "{screen}");
    }
}

/// Names and keys to draw changes from: real ones and some that are wrong.
fn any_change() -> impl Strategy<Value = (String, Vec<String>)> {
    let mut names: Vec<&str> = TABLE.iter().map(|row| row.action.name()).collect();
    names.push("nothing");
    let mut keys: Vec<&str> = TABLE.iter().flat_map(|row| row.keys.iter().copied()).collect();
    keys.extend(["x", "X", "b", ";", "ctrl-x", "alt-f", "f7", "shift-left", "ctrl-m", "oops"]);
    let key = prop::sample::select(keys).prop_map(str::to_owned);
    (prop::sample::select(names).prop_map(str::to_owned), prop::collection::vec(key, 0..3))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    /// Any changes are refused with a line, or leave one meaning for each key wherever it is pressed, and a way out.
    #[test]
    fn any_changes_are_refused_or_leave_every_key_one_meaning(drawn in prop::collection::vec(any_change(), 1..4)) {
        let mut names = BTreeSet::new();
        let changes: Vec<Change> = (drawn.iter().filter(|(name, _)| names.insert(name.clone())).zip(1..))
            .map(|((name, keys), line)| Change {
                name: name.clone(), line, keys: keys.iter().map(|key| (line, key.clone())).collect(),
            })
            .collect();
        match Keymap::changed(&changes) {
            Err(faults) => prop_assert!(!faults.is_empty() && faults.iter().all(|fault| fault.line >= 1 && fault.line <= 3)),
            Ok(keys) => {
                for stack in STACKS {
                    one_meaning(&keys, stack)?;
                    let out = keys.find(stack, Press::parse("ctrl-c").unwrap()).map(|row| row.action);
                    prop_assert_eq!(out, Some(Action::Interrupt));
                    if stack.contains(&Scope::Everywhere) {
                        for action in [Action::Back, Action::Help, Action::Escape] {
                            prop_assert!(keys.rows().iter().any(|row| row.row.action == action && !row.presses.is_empty()));
                        }
                        let esc = keys.find(stack, Press::parse("esc").unwrap()).map(|row| row.action);
                        prop_assert!(matches!(esc, Some(Action::Escape | Action::StopReading)));
                    }
                }
            }
        }
    }
}

/// Every key of these scopes has one action; where two have it the table itself says so, the inner one over the outer. What
/// writes has no key to look around with.
fn one_meaning(keys: &Keymap, stack: &[Scope]) -> Result<(), TestCaseError> {
    let here: Vec<_> = keys.rows().iter().filter(|bound| stack.contains(&bound.row.scope)).collect();
    for (at, one) in here.iter().enumerate() {
        for press in &one.presses {
            let table = |row: &keymap::Row| row.keys.contains(&press.to_string().as_str());
            for other in here[at + 1..].iter().filter(|other| other.presses.contains(press)) {
                let same = one.row.action == other.row.action;
                prop_assert!(same || (table(one.row) && table(other.row)), "{press}: {:?} {:?}", one.row, other.row);
            }
            prop_assert!(!one.row.action.writes() || !press.looks_around() || table(one.row), "{press} {:?}", one.row);
        }
    }
    Ok(())
}

/// The page of these keys.
fn page(keys: &Keymap) -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut scopes: Vec<Scope> = Vec::new();
    for scope in STACKS.into_iter().flatten().copied() {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes.sort_by_key(|scope| ORDER.iter().position(|first| first == scope).unwrap_or(ORDER.len()));
    for scope in scopes.into_iter().filter(|scope| keys.of(*scope).next().is_some()) {
        let title = scope.title();
        let mut letters = title.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        let _ = write!(page, "\n## {first}{}\n\n| key | what | name | more |\n|---|---|---|---|\n", letters.as_str());
        for bound in keys.of(scope) {
            let row = bound.row;
            let written: Vec<String> = bound.presses.iter().map(|press| format!("`{press}`")).collect();
            let fixed = row.action.fixed().is_some() || scope.is_typed();
            let name = if fixed { "fixed".to_owned() } else { format!("`{}`", row.action.name()) };
            let _ = writeln!(page, "| {} | {} | {name} | {} |", written.join(" "), row.label, row.help);
        }
    }
    page
}

/// The scopes most of the work is done in come first.
const ORDER: [Scope; 8] = [
    Scope::Everywhere,
    Scope::Always,
    Scope::Lists,
    Scope::Review,
    Scope::Facilities,
    Scope::Properties,
    Scope::Overview,
    Scope::Ready,
];

const INTRODUCTION: &str = r#"# Keys

Made from the key table of the program (`src/tui/keys.rs`); a test keeps both the same. `?` shows the keys of the screen you
are on, with the ones your settings changed. It can be searched by typing, and enter does what is selected. A key that can do
nothing now says why.

Where a key stands in two of the tables below, the one of the narrower place counts: esc while reading stops reading.

## Changing keys

`[keys]` in `config.toml` gives an action other keys. The name is the one in the tables below, the value a key or a list:

```toml
[keys]
undo      = ["u", "backspace"]
next-left = "J"
reject-all = []            # no key at all
```

- The keys named replace those the action had, wherever it has some. Only in prompts and in the help, where letters are typed,
  keys stay as they are.
- A key is one character (`a`, `A`, `]`) or a name: enter, esc, tab, space, backspace, delete, insert, up, down, left, right,
  pgup, pgdn, home, end, f1 to f12. `ctrl-` and `alt-` can stand before any of them, `shift-` before one with a name.
- One key cannot be two things in one place: give the other action another key too.
- Keys to look around with (enter, esc, space, tab, arrows, page keys) cannot decide or undo. The key that asks a question
  cannot answer it. Digits open tabs and count. Where the table says "fixed", the key stays.
- `open`, `choose` and `check-again` keep enter, `close` and `stop-reading` keep esc, `up` and `down` keep their arrows, tabs
  keep their number: the screen names these. Further keys can stand beside them. `help` and `leave` need at least one key.

Anything else is refused when the program starts, with the line and the nearest name (exit code 2), and nothing is read.

The mouse is turned off by `mouse = false`, styles are chosen by `theme = "default"`, `"contrast"` or `"mono"`, and
`ascii = true` draws with ASCII only. These three stand at the top of `config.toml`, above the first table.
"#;

#[test]
fn the_page_of_keys_is_made_from_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
    let page = page(&Keymap::default());
    if env::var_os("ONSE_UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let told = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(told == page, "docs/keys.md is old: ONSE_UPDATE=1 cargo test --test keymap writes it anew");
}

fn event(code: KeyCode, modifiers: KeyModifiers, kind: KeyEventKind) -> Option<String> {
    Press::from_event(KeyEvent { code, modifiers, kind, state: KeyEventState::NONE }).map(|press| press.to_string())
}

#[test]
fn shift_is_folded_and_releases_are_ignored() {
    let (none, shift, ctrl) = (KeyModifiers::NONE, KeyModifiers::SHIFT, KeyModifiers::CONTROL);
    let cases = [
        (KeyCode::Char('a'), none, Some("a")),
        (KeyCode::Char('A'), none, Some("A")),
        (KeyCode::Char('a'), shift, Some("A")),
        (KeyCode::Char('A'), shift, Some("A")),
        (KeyCode::Char('?'), shift, Some("?")),
        (KeyCode::Char('é'), shift, Some("É")),
        (KeyCode::Char('C'), ctrl | shift, Some("ctrl-c")),
        (KeyCode::BackTab, shift, Some("shift-tab")),
        (KeyCode::BackTab, none, Some("shift-tab")),
        (KeyCode::Tab, shift, Some("shift-tab")),
        (KeyCode::Char(' '), none, Some("space")),
        (KeyCode::Null, none, None),
    ];
    for (code, modifiers, expected) in cases {
        assert_eq!(event(code, modifiers, KeyEventKind::Press).as_deref(), expected, "{code:?} {modifiers:?}");
        assert_eq!(event(code, modifiers, KeyEventKind::Repeat).as_deref(), expected);
        assert_eq!(event(code, modifiers, KeyEventKind::Release), None);
    }
}
