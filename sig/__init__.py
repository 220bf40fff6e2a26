"""Sign what you reviewed, fetch what others signed, decide alone whose word counts.

The verbs of the command as functions. They print nothing, ask nothing and keep nothing between
calls: everything that belongs to a folder is in a `Workspace`, which is the first argument.

    import sig

    workspace = sig.Workspace(Path.home() / ".signet")
    [result] = sig.verify(workspace, ["setup.py"])
    if result.verdict.answer is not sig.Answer.OK:
        raise SystemExit(result.verdict.message)

Errors are those of `sig.errors`, below `SigError`. Names are imported when they are used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sig.errors import SigError as SigError
    from sig.model.identifier import Identifier as Identifier
    from sig.model.verdict import Answer as Answer
    from sig.model.verdict import Judged as Judged
    from sig.model.verdict import Reason as Reason
    from sig.model.verdict import State as State
    from sig.model.verdict import Verdict as Verdict
    from sig.verbs.attest import Attested as Attested
    from sig.verbs.attest import Claim as Claim
    from sig.verbs.attest import attest as attest
    from sig.verbs.config import change as configure
    from sig.verbs.config import read as configuration
    from sig.verbs.doctor import Check as Check
    from sig.verbs.doctor import examine as doctor
    from sig.verbs.doctor import repair as repair
    from sig.verbs.fetch import Fetched as Fetched
    from sig.verbs.fetch import fetch as fetch
    from sig.verbs.keys import Known as Known
    from sig.verbs.keys import import_keys as key_import
    from sig.verbs.keys import listed as keys
    from sig.verbs.published import Published as Published
    from sig.verbs.published import compare as published
    from sig.verbs.published import publish as publish
    from sig.verbs.remote import add as remote_add
    from sig.verbs.remote import listed as remotes
    from sig.verbs.remote import remove as remote_remove
    from sig.verbs.remote import rename as remote_rename
    from sig.verbs.run import run as run
    from sig.verbs.setup import setup as setup
    from sig.verbs.status import standing as status
    from sig.verbs.trust import add as trust_add
    from sig.verbs.trust import remove as trust_remove
    from sig.verbs.trust import trusted as trusted
    from sig.verbs.verify import Result as Result
    from sig.verbs.verify import identify as identify
    from sig.verbs.verify import verify as verify
    from sig.verbs.withdraw import withdraw as withdraw
    from sig.verbs.workspace import Workspace as Workspace

__version__ = "0.1.0"

# Where each public name lives; `sig verify` must not pay for what it does not use.
_PLACES = {
    "Answer": "sig.model.verdict:Answer",
    "Attested": "sig.verbs.attest:Attested",
    "Check": "sig.verbs.doctor:Check",
    "Claim": "sig.verbs.attest:Claim",
    "Fetched": "sig.verbs.fetch:Fetched",
    "Identifier": "sig.model.identifier:Identifier",
    "Judged": "sig.model.verdict:Judged",
    "Known": "sig.verbs.keys:Known",
    "Published": "sig.verbs.published:Published",
    "Reason": "sig.model.verdict:Reason",
    "Result": "sig.verbs.verify:Result",
    "SigError": "sig.errors:SigError",
    "State": "sig.model.verdict:State",
    "Verdict": "sig.model.verdict:Verdict",
    "Workspace": "sig.verbs.workspace:Workspace",
    "attest": "sig.verbs.attest:attest",
    "configuration": "sig.verbs.config:read",
    "configure": "sig.verbs.config:change",
    "doctor": "sig.verbs.doctor:examine",
    "fetch": "sig.verbs.fetch:fetch",
    "identify": "sig.verbs.verify:identify",
    "key_import": "sig.verbs.keys:import_keys",
    "keys": "sig.verbs.keys:listed",
    "publish": "sig.verbs.published:publish",
    "published": "sig.verbs.published:compare",
    "remote_add": "sig.verbs.remote:add",
    "remote_remove": "sig.verbs.remote:remove",
    "remote_rename": "sig.verbs.remote:rename",
    "remotes": "sig.verbs.remote:listed",
    "repair": "sig.verbs.doctor:repair",
    "run": "sig.verbs.run:run",
    "setup": "sig.verbs.setup:setup",
    "status": "sig.verbs.status:standing",
    "trust_add": "sig.verbs.trust:add",
    "trust_remove": "sig.verbs.trust:remove",
    "trusted": "sig.verbs.trust:trusted",
    "verify": "sig.verbs.verify:verify",
    "withdraw": "sig.verbs.withdraw:withdraw",
}

__all__ = [
    "Answer",
    "Attested",
    "Check",
    "Claim",
    "Fetched",
    "Identifier",
    "Judged",
    "Known",
    "Published",
    "Reason",
    "Result",
    "SigError",
    "State",
    "Verdict",
    "Workspace",
    "__version__",
    "attest",
    "configuration",
    "configure",
    "doctor",
    "fetch",
    "identify",
    "key_import",
    "keys",
    "publish",
    "published",
    "remote_add",
    "remote_remove",
    "remote_rename",
    "remotes",
    "repair",
    "run",
    "setup",
    "status",
    "trust_add",
    "trust_remove",
    "trusted",
    "verify",
    "withdraw",
]


def __getattr__(name: str) -> Any:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module 'sig' has no attribute {name!r}")
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return __all__
