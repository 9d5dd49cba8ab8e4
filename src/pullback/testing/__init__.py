"""Checks for a user's functions and rules: `gradcheck` and `check_rule`."""

from pullback.testing.gradcheck import check_rule, gradcheck

__all__ = ["check_rule", "gradcheck"]
