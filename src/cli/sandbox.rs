//! `onse sandbox` and the sandbox behind `onse demo`: its settings as a profile, and a temporary folder for them.

use std::{
    fs,
    io::Write as _,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    args::{self, Country},
    exit::Exit,
    here::Here,
    out::{Out, say},
    private, signals,
};
use crate::sandbox::{COMMCARE_API_KEY, COMMCARE_USER, DHIS2_PASSWORD, DHIS2_USER, Options, PROJECT, Sandbox};

/// The name of the profile of the sandbox.
const PROFILE: &str = "sandbox";

/// Both servers, with a country that ends in the last finished quarter.
pub(super) fn build(here: &Here, country: &Country, gzip: bool) -> Sandbox {
    let quarter = here.last_quarter();
    let options = Options {
        facilities: country.facilities,
        seed: country.seed,
        version: country.dhis2_version,
        gzip,
        faults: country.faults.clone().unwrap_or_default(),
        ..Options::new((quarter.year(), quarter.number()))
    };
    Sandbox::new(&options, Arc::clone(&here.clock))
}

/// Settings that lead to a sandbox at `origin`.
pub(super) fn settings(origin: &str) -> String {
    format!(
        "# A sandbox: made-up data on this machine.\n\
         default_profile = \"{PROFILE}\"\n\n\
         [profiles.{PROFILE}]\n\
         label = \"SANDBOX\"\n\n\
         [profiles.{PROFILE}.dhis2]\n\
         url      = \"{origin}/dhis2\"\n\
         username = \"{DHIS2_USER}\"\n\n\
         [profiles.{PROFILE}.commcare]\n\
         url      = \"{origin}\"\n\
         project  = \"{PROJECT}\"\n\
         username = \"{COMMCARE_USER}\"\n"
    )
}

/// A new folder for this run, which only its owner may enter.
pub(super) fn scratch(name: &str) -> Result<PathBuf> {
    let id = uuid::Uuid::new_v4().simple().to_string();
    let path = std::env::temp_dir().join(format!("{name}-{}", &id[..12]));
    private::folder(&path).with_context(|| format!("cannot make the folder {}", path.display()))?;
    Ok(path)
}

/// Writes a new file that only its owner may read.
fn write(path: &Path, text: &str) -> Result<()> {
    let mut file = private::file(path).with_context(|| format!("cannot make {}", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

pub(super) async fn serve(here: &Here, args: &args::Sandbox, out: &mut Out) -> Result<Exit> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, args.port))
        .await
        .with_context(|| format!("cannot listen on port {} of this machine; choose another with --port", args.port))?;
    let origin = format!("http://{}", listener.local_addr().context("the port is not known")?);
    let sandbox = build(here, &args.country, args.gzip);
    let folder = scratch("onse-sandbox")?;
    let config = folder.join("config.toml");
    write(&config, &settings(&origin))?;
    let secrets =
        format!("[{PROFILE}]\ndhis2_password = \"{DHIS2_PASSWORD}\"\ncommcare_api_key = \"{COMMCARE_API_KEY}\"\n");
    write(&folder.join("secrets.toml"), &secrets)?;
    let stop = CancellationToken::new();
    signals::on_interrupt(vec![(stop.clone(), "stopping")]);
    announce(args, &origin, &config, out)?;
    let served = sandbox.listen(listener, Duration::from_millis(args.latency), stop).await;
    // The accounts in it end with the sandbox; a folder that stays does no harm.
    let _ = fs::remove_dir_all(&folder);
    served.context("the sandbox broke off")?;
    Ok(Exit::Done)
}

/// Says where both servers are, as soon as they listen.
fn announce(args: &args::Sandbox, origin: &str, config: &Path, out: &mut Out) -> Result<()> {
    let config = config.display().to_string();
    let dhis2 = format!("{origin}/dhis2");
    let version = args.country.dhis2_version.to_string();
    let rows = [
        ("dhis2_url", dhis2.as_str()),
        ("dhis2_version", &version),
        ("dhis2_username", DHIS2_USER),
        ("dhis2_password", DHIS2_PASSWORD),
        ("commcare_url", origin),
        ("project", PROJECT),
        ("commcare_username", COMMCARE_USER),
        ("commcare_api_key", COMMCARE_API_KEY),
        ("config", &config),
    ];
    if args.json {
        let object: serde_json::Map<_, _> =
            rows.into_iter().map(|(key, value)| (key.to_owned(), json!(value))).collect();
        writeln!(out, "{}", serde_json::Value::Object(object))?;
    } else {
        for (key, value) in rows {
            writeln!(out, "{key:<18} {value}")?;
        }
        say(&format!("made-up data on this machine; review it with: onse review --config {config}; ctrl-c ends it"));
    }
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::config::load;

    #[test]
    fn its_settings_are_settings() {
        for origin in ["http://127.0.0.1:8080", "https://sandbox.invalid"] {
            let settings = load(Path::new("config.toml"), &settings(origin)).unwrap();
            let profile = settings.profile(None).unwrap();
            assert_eq!((profile.name.as_str(), profile.label.as_str()), (PROFILE, "SANDBOX"));
            assert_eq!(profile.commcare.project, PROJECT);
        }
    }

    #[cfg(unix)]
    #[test]
    fn its_folder_and_secrets_are_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = scratch("onse-test").unwrap();
        let file = folder.join("secrets.toml");
        write(&file, "x").unwrap();
        assert!(write(&file, "y").is_err());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        fs::remove_dir_all(folder).unwrap();
    }
}
