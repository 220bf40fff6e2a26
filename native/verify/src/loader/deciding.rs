//! Who is asked whether a program may run (docs/spec/loader §3, §7).
//!
//! D1  The folder of the user, where the policy says so: the one that it names, in a state that is not
//!     older than the loader.
//! D2  Else the signers in the loader, by the file beside it: `APP.sig` in the folder of the loader.
//!     Without that file, or with a damaged one or one of another program, nobody can tell.
//! D3  Then a folder of who starts it, if there is one, can say no, and never yes. It is `.signet` in
//!     the home that /etc/passwd has for the account: no variable moves it. What it knows of a signer's
//!     key may end a word, too. One that cannot be asked refuses: what it would have said is not known.

use std::path::{Path, PathBuf};

use sig_core::baked::{Beside, WithLists};
use sig_core::claims::Claims;
use sig_core::model::loader::{By, Folder as Said, Signers};
use sig_core::model::{baked, limits};
use sig_core::viewing::View;

use super::program::{self, Decided, Doubts, Loader};
use super::refused::Refused;
use super::{environment, files};
use crate::asking;
use crate::folder::Folder;
use crate::words::{strerror, text};

const FOLDER: &str = ".signet";

/// What may be run; `child` is where a child starts, if it is one.
pub fn decided<'a>(
    loader: &Loader<'a>,
    child: Option<&[u8]>,
    trace: bool,
) -> Result<Decided<'a>, Refused> {
    match &loader.policy.by {
        By::Folder(said) => by_folder(loader, said, child, trace),
        By::Baked(signers) => by_signers(loader, signers, child, trace),
    }
}

/// D1.
fn by_folder<'a>(
    loader: &Loader<'a>,
    said: &Said,
    child: Option<&[u8]>,
    trace: bool,
) -> Result<Decided<'a>, Refused> {
    let folder = Folder::new(Path::new(&said.path), Path::new("/"));
    if !folder.exists()? {
        let why = format!("there is no folder at {}", said.path);
        return Err(Refused::could_not(why).hint("sig setup"));
    }
    asking::asked(&folder, asking::now(), |view| match view {
        Some(view) => {
            check_state(loader, said, view)?;
            let interpreter = || program::interpreter(loader, view);
            program::decide(loader, view, None, &interpreter, child, trace)
        }
        None => {
            let why = format!("nothing was ever said in {}", said.path);
            Err(Refused::could_not(why).hint("sig setup"))
        }
    })
}

/// That the folder is not older than this loader.
fn check_state(loader: &Loader<'_>, said: &Said, view: &View<'_>) -> Result<(), Refused> {
    let older = |what: &str| {
        let why = format!("{what} in {} is older than this loader", said.path);
        Err(Refused::could_not(why).hint(loader.build()))
    };
    match view.owner() {
        Some((key, sequence)) if *key == said.key => {
            if sequence < said.sequence {
                return older("the configuration");
            }
        }
        _ => {
            let why = format!("the configuration in {} is not signed by {}", said.path, said.key);
            return Err(Refused::could_not(why).hint(loader.build()));
        }
    }
    for (name, sequence) in &said.remotes {
        // One that was removed since is gone by the owner's word.
        if let Some(now) = view.remote(name) {
            if now.is_none_or(|now| now < *sequence) {
                return older(&format!("what {name} published"));
            }
        }
    }
    Ok(())
}

/// D2.
fn by_signers<'a>(
    loader: &Loader<'a>,
    signers: &Signers,
    child: Option<&[u8]>,
    trace: bool,
) -> Result<Decided<'a>, Refused> {
    let app = &loader.policy.app;
    let place = loader.beside();
    let shown = text(place.as_os_str());
    let could_not = |why: &str| Refused::could_not(format!("{shown}: {why}")).hint(loader.update());
    let raw = files::read(&place, limits::BAKED)
        .map_err(|error| could_not(&strerror(&error).to_lowercase()))?
        .ok_or_else(|| could_not("it is missing, and says who answers for the program"))?;
    let file = baked::read(&raw).map_err(|error| could_not(error.message()))?;
    if file.app != *app {
        return Err(could_not(&format!("it is about the program {}, and this is {app}", file.app)));
    }
    let (now, site) = (asking::now(), asking::site()?);
    let beside = Beside::open(file, &signers.certificates, signers.threshold, &site, now)
        .map_err(|trouble| could_not(&trouble.message))?;
    let systems = || Ok(None); // no policy of signers has another
    let Some(own) = own()? else {
        return program::decide(loader, &beside, None, &systems, child, trace);
    };
    let place = text(own.as_os_str());
    let folder = Folder::new(&own, Path::new("/"));
    if !folder.exists()? {
        return program::decide(loader, &beside, None, &systems, child, trace);
    }
    asking::asked(&folder, now, |view| {
        let asked = view.map(|view| WithLists { view, file: &beside });
        let informed = match view {
            Some(view) => beside.informed(view)?,
            None => None,
        };
        let keys = informed.as_ref().map(|told| told as &dyn Claims);
        let doubts = asked.as_ref().map(|told| Doubts { told, keys, place: &place });
        program::decide(loader, &beside, doubts.as_ref(), &systems, child, trace)
    })
}

/// Where the folder of this account would lie (D3); None for an account that is not listed.
fn own() -> Result<Option<PathBuf>, Refused> {
    let home = environment::listed_home().map_err(|error| {
        let why = strerror(&error).to_lowercase();
        Refused::could_not(format!("{}: {why}", environment::PASSWD))
    })?;
    Ok(home.map(|home| PathBuf::from(home).join(FOLDER)))
}
