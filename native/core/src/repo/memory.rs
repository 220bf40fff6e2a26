//! What a folder remembers of its own configuration (docs/spec/folder §2), so that an older one is
//! not followed: it may trust a key that was removed since, or ask for less.

use crate::model::fingerprint::Fingerprint;
use crate::model::identifier::digest;
use crate::model::strict::{self, Names, Value};
use crate::model::wire::UnverifiedConfiguration;

/// The file.
pub const CONFIGURATION: &str = "memory/config";

/// The newest configuration that was signed in a folder.
struct Written {
    key: Fingerprint,
    sequence: i64,
    digest: String,
}

/// Why a configuration is not followed, and who is to sign it anew; None where that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Older {
    /// Lower case, no full stop.
    pub message: String,
    /// The key.
    pub key: Option<Fingerprint>,
}

/// Refuses what is not the newest configuration, by what is remembered; None: there is none.
pub fn check_newest(raw: &[u8], found: Option<&UnverifiedConfiguration>) -> Result<(), Older> {
    let said = found.map(|found| &found.configuration);
    let Some(known) = read(raw) else {
        let message = "memory/config is damaged: nobody can tell whether config is the newest";
        let key = said.and_then(|said| said.key.clone());
        return Err(Older { message: message.to_owned(), key });
    };
    let signer = &known.key;
    let message = match (found, said.and_then(|said| said.key.as_ref())) {
        (None, _) => format!("config is missing, and {signer} had signed it"),
        (_, None) => format!("config is not signed, and {signer} had signed it"),
        (_, Some(key)) if key != signer => {
            format!("config is signed by {key}, and {signer} had signed it")
        }
        (Some(found), _) => match found.configuration.sequence {
            Some(sequence) if sequence > known.sequence => return Ok(()),
            Some(sequence) if sequence == known.sequence => {
                if digest(&found.signed) == known.digest {
                    return Ok(());
                }
                format!("config is another one of sequence {sequence} than was signed here")
            }
            older => {
                let had = older.map_or("no sequence".to_owned(), |it| format!("sequence {it}"));
                let was = known.sequence;
                format!("config is an older one: it has {had}, and {was} was signed here")
            }
        },
    };
    Err(Older { message, key: Some(known.key) })
}

fn read(raw: &[u8]) -> Option<Written> {
    let value = strict::read(raw, Names::Visible).ok()?;
    let field = |name| value.object().and_then(|it| it.get(name));
    let sequence = match field("sequence")? {
        Value::Number(sequence) if *sequence >= 1 => *sequence,
        _ => return None,
    };
    Some(Written {
        key: Fingerprint::new(field("key")?.text()?)?,
        sequence,
        digest: field("digest")?.text()?.to_owned(),
    })
}
