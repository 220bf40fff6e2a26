"""How much, how many, how long: every limit of what others send (docs/spec/limits).

Numbers only, no imports. Whoever hands in another limit (a test) does it through an argument,
never by changing these.
"""

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

# Documents, in bytes.
STATEMENT = 1 * MIB  # the signed bytes of one statement
COMMENT = 64 * KIB  # of UTF-8
SIGNATURE = 64 * KIB  # one OpenPGP signature packet, decoded
TIMESTAMP = 16 * KIB  # one RFC 3161 token, decoded
CERTIFICATE = 1 * MIB  # one certificate, after merging
# Small enough that a binding with one that was put in canonical form can always be written again.
BACK_SIGNATURE = 16 * KIB  # by which a subkey agrees to its binding
KEY_FILE = 4 * MIB  # key.asc as it travels: armor, other keys and forged signatures to be dropped
ROOT = 256 * KIB  # signet.json, roots/N.json
OBJECT = 2 * MIB  # objects/…, manifests and deltas excepted
LEAF = 64 * KIB  # the text of one leaf, unless it has a single entry
MANIFEST = 64 * MIB
DELTA = 64 * MIB  # packed
DELTA_UNPACKED = 1 * GIB
REPOSITORY = 256 * MIB  # repo.json
SPOOL = 64 * MIB  # an unsorted repo.json above this goes through a file
VALUE = 8 * MIB  # the text of one value of a repo.json, with its white space

# Nesting of JSON: arrays and objects within each other.
DEPTH = 32  # of any document
STATEMENT_DEPTH = 16  # of the data of a statement

# Counts.
STATEMENTS_PER_IDENTIFIER = 10_000  # from one remote; those of keys that count are never dropped
SEEN = 4096  # entries of `seen`
ALIASES = 64  # of one statement, as entries of a tree
USER_IDS = 64  # of one certificate
SUBKEYS = 64  # of one certificate
BACK_SIGNATURES = 4  # of one binding of a subkey

# A tree of files on the disk (sig.repo.tree).
TREE_ENTRIES = 1_000_000  # files and folders
TREE_DEPTH = 500  # folders within each other
TREE_BYTES = 1024 * GIB  # of all files together: a file of holes costs nothing to make

# The network.
REDIRECTS = 5  # of one request
CONNECT_SECONDS = 10  # TCP, all addresses of a name together; and as much again for TLS
IDLE_SECONDS = 30  # without a byte
SLOWEST_BYTES_PER_SECOND = 1024  # on the average of one window
SLOW_WINDOW_SECONDS = 60
HEADER = 64 * KIB  # status line and header fields of one answer, interim answers included
VALIDATOR = 1 * KIB  # characters of an ETag or a Last-Modified
URL = 2048  # characters; of a redirect, four times that
PIECES = 100_000  # of one answer (chunks, lines, reads), before their size counts
PIECE = 256  # bytes: one more piece for each so many

# Archives and trees.
PATH = 4096  # bytes of one path of a manifest
NAME = 255  # bytes of one part of it
GLOBS = 64  # of one `exclude`
GLOB = 255  # bytes of one of them
MEMBERS = 500_000  # files and folders of an archive, with those of archives in it
UNPACKED = 32 * GIB  # what is in an archive, with archives in it
UNPACKED_FREE = 256 * MIB  # above this, at most so many times the size of the archive:
UNPACKED_RATIO = 200
DIRECTORY = 64 * MIB  # the central directory of a zip
TAR_HEADER = 64 * KIB  # the extended header of one member of a tar
XZ_MEMORY = 128 * MIB  # what an xz may ask for: `xz -9` asks for half of it
NESTED = 4  # archives within each other
NESTED_SIZE = 2 * GIB  # of one archive in another
SHEBANG = 255  # bytes of the line before a zip

# Closures and what is installed.
ROOTS = 10_000  # of a closure
ENVIRONMENT_SETTINGS = 64 * KIB  # pyvenv.cfg, a .pth file, direct_url.json
SITE_ENTRIES = 100_000  # files and folders directly in a site folder
METADATA = 1 * MIB  # what stands before the first empty line of a METADATA
RECORD = 64 * MIB
PTH_FILES = 1_000  # of a site folder
FINDER = 1 * MIB  # what setuptools writes for an editable install
PACK = 64 * MIB  # bytecode of a program

# A native loader.
LOADER = 64 * MIB  # the whole file
LOADER_DATA = 16 * MIB  # what stands behind the program: the policy and the modules
LOADER_POLICY = 1 * MIB  # its line
BAKED = 64 * MIB  # the file beside one that is baked
