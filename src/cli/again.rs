//! Asking again for a secret that its server took and then refused, in the middle of a run (fault matrix row X09). One that is refused
//! from the beginning is no business of this: it is said, and where each secret is from.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{
    out::{say, someone_is_there},
    prompt,
};
use crate::io::{
    config::{CommCareSecret, Dhis2Secret, Profile, Secrets},
    http::{Secret, Side},
    transport::{Answer, Broken, Later, SharedTransport, Transport},
};

/// What became of the sign-in at both servers, and what was typed since.
#[derive(Clone, Default)]
pub(super) struct Again(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    dhis2: SignedIn,
    commcare: SignedIn,
    /// Those in use.
    secrets: Option<Secrets>,
    /// Whether one of them was typed in the place of a refused one.
    typed: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum SignedIn {
    /// Nobody answered yet that needs it.
    #[default]
    Unknown,
    /// It was taken.
    Taken,
    /// It was taken before, and is refused now.
    Refused,
}

impl State {
    fn of(&mut self, side: Side) -> &mut SignedIn {
        match side {
            Side::Dhis2 => &mut self.dhis2,
            Side::CommCare => &mut self.commcare,
        }
    }
}

impl Again {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The way to a server, on which its answers to the sign-in are noted.
    pub(super) fn watching(&self, side: Side, inner: SharedTransport) -> SharedTransport {
        Arc::new(Watching { again: self.clone(), side, inner })
    }

    fn answered(&self, side: Side, status: http::StatusCode) {
        let mut state = self.state();
        let now = state.of(side);
        match (*now, status) {
            (SignedIn::Taken, http::StatusCode::UNAUTHORIZED) => *now = SignedIn::Refused,
            (_, status) if status.is_success() => *now = SignedIn::Taken,
            _ => {}
        }
    }

    /// These are in use.
    pub(super) fn uses(&self, secrets: &Secrets) {
        self.state().secrets = Some(secrets.clone());
    }

    /// What to go on with where a secret was typed anew; none where nobody was asked.
    pub(super) fn secrets(&self) -> Option<Secrets> {
        let state = self.state();
        state.secrets.clone().filter(|_| state.typed)
    }

    /// Whether a server refuses the sign-in now that it took before.
    pub(super) fn is_refused(&self) -> bool {
        let state = self.state();
        [state.dhis2, state.commcare].contains(&SignedIn::Refused)
    }

    /// Asks a person who is there for each secret that was taken and is refused now. Whether all were typed, so that the run can
    /// go on.
    pub(super) fn asks(&self, profile: &Profile) -> bool {
        let refused = |side: &Side| *self.state().of(*side) == SignedIn::Refused;
        let sides: Vec<Side> = [Side::Dhis2, Side::CommCare].into_iter().filter(refused).collect();
        !sides.is_empty() && someone_is_there() && sides.into_iter().all(|side| self.ask(side, profile))
    }

    fn ask(&self, side: Side, profile: &Profile) -> bool {
        say(&format!(
            "{side} refuses the sign-in (401) that it took before. Was it changed? Type the new password or key to go on, or nothing \
             to stop here; it is kept nowhere"
        ));
        let user = match side {
            Side::Dhis2 => profile.dhis2.username.as_deref().unwrap_or("by token"),
            Side::CommCare => &profile.commcare.username,
        };
        // A terminal that fails is nobody to be asked.
        let Ok(Some(secret)) = prompt::new_secret(&format!("{side}, {user}")) else { return false };
        self.replace(side, secret)
    }

    /// Puts a secret in the place of one in use, as the same kind of secret. Where it is refused too, that is the middle of a run as
    /// well. Whether there was one.
    fn replace(&self, side: Side, secret: Secret) -> bool {
        let mut state = self.state();
        *state.of(side) = SignedIn::Taken;
        let Some(secrets) = &mut state.secrets else { return false };
        let (Dhis2Secret::Password(dhis2) | Dhis2Secret::Token(dhis2)) = &mut secrets.dhis2;
        let (CommCareSecret::ApiKey(commcare) | CommCareSecret::Password(commcare)) = &mut secrets.commcare;
        *match side {
            Side::Dhis2 => dhis2,
            Side::CommCare => commcare,
        } = secret;
        state.typed = true;
        true
    }
}

struct Watching {
    again: Again,
    side: Side,
    inner: SharedTransport,
}

impl Transport for Watching {
    fn send(&self, request: http::Request<Bytes>) -> Later<'_, Result<Answer, Broken>> {
        Box::pin(async move {
            let answer = self.inner.send(request).await?;
            self.again.answered(self.side, answer.status());
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn x09_only_a_sign_in_that_was_taken_before_is_refused_in_the_middle() {
        let again = Again::default();
        let after = |side, status: StatusCode| {
            again.answered(side, status);
            *again.state().of(side) == SignedIn::Refused
        };
        assert!(!after(Side::CommCare, StatusCode::UNAUTHORIZED), "wrong from the beginning");
        assert!(!after(Side::CommCare, StatusCode::OK));
        assert!(!after(Side::CommCare, StatusCode::FORBIDDEN) && !after(Side::CommCare, StatusCode::BAD_GATEWAY));
        assert!(!after(Side::Dhis2, StatusCode::UNAUTHORIZED), "the other side took nothing yet");
        assert!(after(Side::CommCare, StatusCode::UNAUTHORIZED) && after(Side::CommCare, StatusCode::UNAUTHORIZED));
        assert!(!after(Side::CommCare, StatusCode::CREATED), "it is taken again");
    }

    #[test]
    fn x09_what_was_typed_takes_the_place_of_what_was_refused_and_of_nothing_else() {
        let again = Again::default();
        let dhis2 = Dhis2Secret::Token(Secret::new("token"));
        again.uses(&Secrets { dhis2, commcare: CommCareSecret::Password(Secret::new("old")) });
        assert!(again.secrets().is_none(), "nobody was asked");
        assert!(again.replace(Side::CommCare, Secret::new("new")));
        let Some(Secrets { dhis2: Dhis2Secret::Token(dhis2), commcare: CommCareSecret::Password(commcare) }) =
            again.secrets()
        else {
            panic!("another kind of secret")
        };
        assert_eq!((dhis2.expose(), commcare.expose()), ("token", "new"));
        again.answered(Side::CommCare, StatusCode::UNAUTHORIZED);
        assert!(again.is_refused(), "a slip in typing is asked about again");
    }
}
