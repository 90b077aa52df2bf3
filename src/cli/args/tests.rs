use clap::CommandFactory as _;

use super::*;

fn parse(line: &str) -> Result<Line, clap::Error> {
    Line::try_parse_from(std::iter::once("onse").chain(line.split_whitespace()))
}

#[test]
fn the_definition_is_sound() {
    Line::command().debug_assert();
}

#[test]
fn quarters_are_read_in_every_spelling() {
    for text in ["2026Q2", "2026q2", "Q2 2026", "2026-Q2"] {
        let line = Line::try_parse_from(["onse", "plan", "--period", text]).unwrap();
        let Some(Command::Plan(plan)) = line.command else { panic!("no plan") };
        assert_eq!(plan.scope.period.unwrap().to_string(), "2026Q2", "{text}");
    }
    for text in ["2026Q5", "2026"] {
        let error = Line::try_parse_from(["onse", "plan", "--period", text]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("2026Q2"), "{error}");
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    for line in [
        "decide f --where x",
        "decide f --where x --approve --reject",
        "decide f --where x --zero --reject",
        "decide f --approve",
        "submit f",
        "submit f --write 3 --dry-run d",
        "submit f --write many",
        "show f --xml --json",
        "review f --new",
        "review --new --offline",
        "show f --where is:odd",
        "plan --colour never",
        "demo --facilities 0",
        "demo --faults boom",
        "sandbox --faults 429@values:0",
        "sandbox --dhis2-version 2.41",
        "plan --look-back 9",
        "plan --look-back -1",
        "plan --finer rkyO2EAX45C",
        "plan --finer rkyO2EAX45C=mean",
        "plan --finer =sum",
        "review f --look-back 2",
        "review f --no-history",
        "review f --finer a=sum",
        "review f --previous g",
        "check f",
        "undo f",
        "undo -o g",
        "data-sets --write",
        "data-sets --search a --write",
        "data-sets --search a --choose b=c",
        "data-sets --choose b",
        "data-sets --choose =c",
        "data-sets --choose b=",
        "data-sets --choose b=:c",
        "data-sets --choose b=c:",
        "data-sets --period 2026",
    ] {
        assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
    }
}

#[test]
fn what_fits_together_can_be_typed() {
    for line in [
        "",
        "decide f --where -is:stop --approve",
        "decide f --where state:zero_not_stored --zero",
        "submit f --write 0 --json",
        "review --facility a --facility b",
        "--profile p plan -o x",
        "sandbox --port 0 --json --latency 5 --gzip --dhis2-version 2.43",
        "demo --dhis2-version 2.30",
        "demo --faults late=0.1",
        "sandbox --faults 429@values:1-2,reset@forms:1",
        "plan --look-back 8 --no-history --curl",
        "check --json",
        "undo f -o g --json",
        "review --new --look-back 0 --finer a=sum --finer b=leave-out",
        "data-sets --json --facility a --period 2026Q2",
        "data-sets --choose a=b --choose c=d:e --write",
        "data-sets --search a",
    ] {
        parse(line).unwrap();
    }
}

#[test]
fn what_is_read_beside_the_quarter_is_parsed() {
    let of = |line: &str| match parse(line).unwrap().command {
        Some(Command::Plan(plan)) => plan.further,
        _ => panic!("no plan"),
    };
    let usual = of("plan");
    assert_eq!((usual.look_back, usual.no_history, usual.finer.len()), (0, false, 0));
    let finer = of("plan --look-back 3 --finer a=by-type --finer b=leave-out");
    assert_eq!(finer.look_back, 3);
    assert_eq!(finer.finer, [("a".to_owned(), Finer::ByType), ("b".to_owned(), Finer::LeaveOut)]);
    for (word, choice) in Finer::WORDS {
        assert_eq!((Finer::parse(word), choice.to_string().as_str()), (Some(choice), word));
    }
    let said = parse("plan --finer a=mean").unwrap_err().to_string();
    assert!(said.contains("sum, last, average, by-type, leave-out"), "{said}");
}

#[test]
fn secrets_in_arguments_are_noticed_by_name() {
    let of = |line: &str| secret(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
    for line in [
        "onse plan --password hunter2",
        "onse plan --api-key=hunter2",
        "onse --token hunter2",
        "onse plan --commcare-api-key hunter2",
        "onse plan --DHIS2_PASSWORD=hunter2",
        "onse plan --key hunter2",
    ] {
        let name = of(line).unwrap();
        assert!(name.starts_with("--") && !name.contains("hunter2"), "{name}");
    }
    for line in ["onse plan --profile p", "onse show --property keys", "onse show -- --password", "onse"] {
        assert_eq!(of(line), None, "{line}");
    }
}
