//! The first screen: what it shows at each size, and which keys it takes.

use std::{collections::VecDeque, io};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures_util::{Stream, stream};
use onse::{
    domain::text::width,
    tui::{
        Input, Seat,
        first::{Choice, choose, chosen, draw},
        model::Look,
        msg::Signal,
        theme::Choice as Theme,
    },
};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Rect};

const PLAIN: Look = Look { ascii: false, theme: Theme::Default, mouse: false };

fn rows(size: (u16, u16), look: Look) -> String {
    let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    draw(&mut buf, look, "/home/chikondi/.config/onse/config.toml does not exist");
    let row = |y| (0..size.0).map(|x| buf[(x, y)].symbol()).collect::<String>().trim_end().to_owned() + "\n";
    (0..size.1).map(row).collect()
}

#[test]
fn the_screen_at_each_size() {
    for size in [(60, 20), (80, 24), (120, 40)] {
        insta::assert_snapshot!(format!("first_{}x{}", size.0, size.1), rows(size, PLAIN));
    }
}

#[test]
fn every_key_is_shown_in_the_smallest_window_and_nothing_is_drawn_outside() {
    for size in [(1, 1), (20, 5), (40, 10), (59, 17), (300, 90)] {
        let text = rows(size, Look { ascii: true, theme: Theme::Mono, mouse: false });
        assert!(text.is_ascii() && text.lines().all(|line| width(line) <= usize::from(size.0)), "{text}");
        if size.0 >= 40 {
            for key in ["d  demo", "s  set up", "q  quit"] {
                assert!(text.contains(key), "{key} is missing:\n{text}");
            }
        }
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Input {
    Input::Event(Event::Key(KeyEvent::new(code, modifiers)))
}

fn letter(c: char) -> Input {
    key(KeyCode::Char(c), KeyModifiers::NONE)
}

#[test]
fn each_key_chooses_one_thing() {
    for (input, choice) in [
        (letter('d'), Some(Choice::Demo)),
        (key(KeyCode::Char('D'), KeyModifiers::SHIFT), Some(Choice::Demo)),
        (letter('s'), Some(Choice::SetUp)),
        (letter('q'), Some(Choice::Quit)),
        (key(KeyCode::Esc, KeyModifiers::NONE), Some(Choice::Quit)),
        (key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Choice::Interrupted)),
        (Input::Signal(Signal::Terminate), Some(Choice::Interrupted)),
        (Input::Lost("gone".into()), Some(Choice::Interrupted)),
        (letter('x'), None),
        (key(KeyCode::Enter, KeyModifiers::NONE), None),
        (key(KeyCode::Char('s'), KeyModifiers::ALT), None),
        (Input::Event(Event::Paste("d".into())), None),
        (Input::Event(Event::Resize(80, 24)), None),
    ] {
        assert_eq!(chosen(&input), choice, "{input:?}");
    }
    let released = KeyEvent { kind: KeyEventKind::Release, ..KeyCode::Char('d').into() };
    assert_eq!(chosen(&Input::Event(Event::Key(released))), None);
}

/// A person with these keys, one list for each time the terminal is listened to.
struct Keys {
    lists: VecDeque<Vec<Input>>,
    suspended: usize,
    retaken: usize,
}

impl Seat for Keys {
    type Input = std::pin::Pin<Box<dyn Stream<Item = Input> + Send>>;

    fn input(&mut self) -> Self::Input {
        Box::pin(stream::iter(self.lists.pop_front().unwrap_or_default()))
    }

    async fn suspend(&mut self) -> io::Result<()> {
        self.suspended += 1;
        Ok(())
    }

    fn retake(&mut self) -> io::Result<()> {
        self.retaken += 1;
        Ok(())
    }

    fn copy(&mut self, _text: &str) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn it_waits_for_a_choice_and_the_shell_comes_in_between() {
    let first = vec![letter('x'), Input::Continued, key(KeyCode::Char('z'), KeyModifiers::CONTROL)];
    let then = vec![Input::Event(Event::Resize(80, 24)), letter('s')];
    let mut keys = Keys { lists: [first, then].into(), suspended: 0, retaken: 0 };
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    assert_eq!(choose(&mut terminal, &mut keys, PLAIN, "c").await.unwrap(), Choice::SetUp);
    assert_eq!((keys.suspended, keys.retaken), (1, 1));
    let mut gone = Keys { lists: VecDeque::new(), suspended: 0, retaken: 0 };
    assert_eq!(choose(&mut terminal, &mut gone, PLAIN, "c").await.unwrap(), Choice::Interrupted);
}
