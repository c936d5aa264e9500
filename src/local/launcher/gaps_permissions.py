"""Permissions: what a function may do is decided by its role; whoever calls from outside owns the account."""

from ministack.core import iam_evaluator
from ministack.services import iam, sts
from replace import replace


def fill():
    # Gap: where policies are evaluated (AUTH=true), every access key from outside but `test` is refused.
    for module in (iam_evaluator, sts):

        @replace(module, "is_root_access_key")
        def is_root_access_key(stock, key):
            return stock(key) or not (key in sts._sessions or iam._access_keys.get(key))

    # Gap: the emulator speaks no TLS, so a policy that asks for it would shut out every function. Nothing leaves this machine.
    @replace(iam_evaluator, "_resolve_condition_key")
    def _resolve_condition_key(stock, key, ctx):
        return "true" if key.lower() == "aws:securetransport" else stock(key, ctx)
