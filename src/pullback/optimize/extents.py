"""Integer value numbering: lengths and indices as linear forms, so that two can be shown to be equal.

A form is ``constant + Σ coefficient · atom``; an atom is a variable, or a length clamped at zero. Two
operands with one form are equal; the difference of two may be a known number. (Muchnick, *Advanced Compiler
Design and Implementation*, 1997, §12.4 for value numbering.)
"""

from __future__ import annotations

from dataclasses import dataclass

from pullback.ir.nodes import Const, Operand


@dataclass(frozen=True, slots=True)
class Form:
    """``constant + Σ coefficient · atom``, the terms sorted by atom and none zero."""

    constant: int
    terms: tuple[tuple[str, int], ...] = ()

    @property
    def number(self) -> int | None:
        """What it is, where that is known."""
        return None if self.terms else self.constant

    def plus(self, other: Form, times: int = 1) -> Form:
        """``self + times * other``."""
        sums = dict(self.terms)
        for atom, coefficient in other.terms:
            sums[atom] = sums.get(atom, 0) + times * coefficient
        terms = tuple(sorted((atom, c) for atom, c in sums.items() if c))
        return Form(self.constant + times * other.constant, terms)

    def shifted(self, by: int) -> Form:
        """``self + by``."""
        return Form(self.constant + by, self.terms)


class Extents:
    """What is known of a program's integers; each name in it holds one value (it is no mutable cell)."""

    def __init__(self) -> None:
        self._forms: dict[str, Form] = {}
        self._natural: set[str] = set()
        self._proven: list[set[frozenset[Form]]] = [set()]
        self._same: list[dict[Form, Operand]] = [{}]

    def form(self, operand: Operand) -> Form:
        """The linear form of an integer."""
        if isinstance(operand, Const):
            return Form(int(operand.value))
        return self._forms.get(operand.name) or Form(0, ((operand.name, 1),))

    def define(self, name: str, form: Form) -> None:
        """State the value of a variable."""
        self._forms[name] = form

    def clamped(self, name: str, form: Form) -> None:
        """State that a variable is ``max(form, 0)``."""
        atom = f"max({form.constant}, {form.terms})"
        self._natural.add(atom)
        self._forms[name] = Form(0, ((atom, 1),))

    def natural(self, name: str) -> None:
        """State that a variable is never negative."""
        self._natural.add(name)

    def is_natural(self, operand: Operand) -> bool:
        """Whether the value is known not to be negative."""
        form = self.form(operand)
        return form.constant >= 0 and all(c > 0 and atom in self._natural for atom, c in form.terms)

    def equal(self, a: Operand, b: Operand) -> bool:
        """Whether the two are known to be equal."""
        first, second = self.form(a), self.form(b)
        return first == second or any(frozenset((first, second)) in scope for scope in self._proven)

    def difference(self, a: Operand, b: Operand) -> int | None:
        """``a - b`` where it is a known number."""
        return self.form(a).plus(self.form(b), -1).number

    def prove(self, a: Operand, b: Operand) -> None:
        """From here to the end of the innermost scope the two are equal: a check has said so.

        `a` is a number or the earlier of the two.
        """
        self._proven[-1].add(frozenset((self.form(a), self.form(b))))
        if self.form(self.known(a)) != self.form(b):
            self._same[-1].setdefault(self.form(b), a)

    def known(self, operand: Operand) -> Operand:
        """`operand`, or the number or the earlier variable that it is known to equal."""
        form = self.form(operand)
        if not form.terms:
            return Const(form.constant)
        for scope in self._same:
            if form in scope:
                return self.known(scope[form])
        return operand

    def open(self) -> None:
        """Begin a scope of what is proven."""
        self._proven.append(set())
        self._same.append({})

    def close(self) -> None:
        self._proven.pop()
        self._same.pop()
