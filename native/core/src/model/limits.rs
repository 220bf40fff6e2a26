//! How much and how many, of what others send (docs/spec/limits); the numbers of
//! `sig/model/limits.py`, as far as this crate reads such things.

/// Bytes in a KiB.
pub const KIB: usize = 1024;
/// Bytes in a MiB.
pub const MIB: usize = 1024 * KIB;

/// The signed bytes of one statement.
pub const STATEMENT: usize = MIB;
/// A comment, of UTF-8.
pub const COMMENT: usize = 64 * KIB;
/// One OpenPGP signature packet, decoded.
pub const SIGNATURE: usize = 64 * KIB;
/// One RFC 3161 token, decoded.
pub const TIMESTAMP: usize = 16 * KIB;
/// The text of a manifest.
pub const MANIFEST: usize = 64 * MIB;

/// Objects and lists within each other, in any document.
pub const DEPTH: usize = 32;
/// … in the data of a statement.
pub const STATEMENT_DEPTH: usize = 16;

/// Bytes of one path of a manifest.
pub const PATH: usize = 4096;
/// Bytes of one part of it.
pub const NAME: usize = 255;
/// Globs of one `exclude`.
pub const GLOBS: usize = 64;
/// Bytes of one of them.
pub const GLOB: usize = 255;
/// Roots of a closure.
pub const ROOTS: usize = 10_000;
/// Bytecode of a program.
pub const PACK: usize = 64 * MIB;

/// Bytes of one certificate, after merging.
pub const CERTIFICATE: usize = MIB;
/// User ids of one certificate.
pub const USER_IDS: usize = 64;
/// Subkeys of one certificate.
pub const SUBKEYS: usize = 64;
/// Bytes of a signature by which a subkey agrees to its binding. Small enough that a binding with
/// one that was put in canonical form can always be written again.
pub const BACK_SIGNATURE: usize = 16 * KIB;
/// How many of them are read of one binding.
pub const BACK_SIGNATURES: usize = 4;
/// What stands behind the program of a loader: the policy and the modules.
pub const LOADER_DATA: usize = 16 * MIB;
/// The line of that policy.
pub const LOADER_POLICY: usize = MIB;
/// The file beside a baked loader.
pub const BAKED: usize = 64 * MIB;
