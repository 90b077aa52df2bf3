//! What the program says of itself: completions and the manual page.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use crate::rig::Home;

/// Every command of the help, as it lists them.
fn commands(home: &Home) -> Vec<String> {
    let help = home.run(&["--help"]).ok(0).out;
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let first = |line: &str| line.split_whitespace().next().map(str::to_owned);
    listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")).filter_map(first).collect()
}

#[test]
fn the_manual_page_has_every_command_flag_code_and_variable() {
    let home = Home::new();
    let page = home.run(&["man"]).ok(0);
    assert!(page.err.is_empty() && page.out.is_ascii(), "{page:?}");
    let commands = commands(&home);
    assert!(commands.len() > 15, "{commands:?}");
    for command in &commands {
        assert!(page.out.contains(&format!(".SS \"onse {command}\"")), "{command}");
        let help = home.run(&[command, "--help"]).ok(0).out;
        for flag in help.lines().filter_map(|line| line.trim_start().split(' ').find(|word| word.starts_with("--"))) {
            let flag = flag.trim_matches([',', '.']).replace('-', "\\-");
            assert!(flag == "\\-\\-help" || page.out.contains(&format!("\\fB{flag}\\fR")), "{command} {flag}");
        }
    }
    for code in ["0", "1", "2", "3", "4", "5", "6", "130"] {
        assert!(page.out.contains(&format!("\n.TP\n\\fB{code}\\fR\n")), "{code}");
    }
    for word in ["ONSE_DATA_DIR", "ONSE_RUN_JSON", "secrets.toml", "config.toml", "notify"] {
        assert!(page.out.contains(word), "{word}");
    }
    // Where there is a formatter it has nothing to say against the page.
    let groff = Command::new("groff").args(["-man", "-ww", "-z"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    if let Ok(mut groff) = groff {
        groff.stdin.take().unwrap().write_all(page.out.as_bytes()).unwrap();
        let told = groff.wait_with_output().unwrap();
        assert!(told.stderr.is_empty(), "{}", String::from_utf8_lossy(&told.stderr));
    }
    assert!(home.files().is_empty());
}

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = home.run(&["completions", shell]).ok(0);
        assert!(script.err.is_empty(), "{script:?}");
        for command in commands(&home) {
            assert!(script.out.contains(&command), "{shell} {command}");
        }
    }
    home.run(&["completions", "tcsh"]).refused(2, &["tcsh", "bash"]);
}
