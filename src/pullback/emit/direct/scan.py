"""What is asked of a function's names before any code is written: where each is assigned, read, used last."""

import ast


class Names:
    """The occurrences of the names of a function.

    Attributes:
        alone: names that are assigned once, ahead of and around every place that reads them, so that the
            value itself can stand for the name.
        last: for each statement list, by `id`, the names that occur nowhere outside of it, with the index of
            the last of its statements they occur in.
    """

    def __init__(self, tree, params):
        self.stores = {}
        self.order = 0
        self.within = {}
        self.reads = {}
        self._block(tree.body, ())
        for name in params:
            self.stores.setdefault(name, []).append(((), -1))
        self.alone = {name for name in self.stores if self._is_alone(name)}
        self.last = {}
        for name, places in self.within.items():
            self._note(name, places)

    def _block(self, statements, path):
        for index, statement in enumerate(statements):
            here = (*path, (id(statements), index))
            if type(statement) is ast.For:
                self._expressions((statement.iter,), here)
                # The loop's own name belongs to its body.
                self._name(statement.target, (*here, (id(statement.body), -1)))
                self._block(statement.body, here)
            elif type(statement) is ast.While:
                self._expressions((statement.test,), here)
                self._block(statement.body, here)
            elif type(statement) is ast.If:
                self._expressions((statement.test,), here)
                self._block(statement.body, here)
                self._block(statement.orelse, here)
            elif type(statement) is ast.AugAssign:
                self._expressions((statement.value, statement.target), here)
                if type(statement.target) is ast.Name:
                    # It reads as well, and is one of two assignments.
                    self.reads.setdefault(statement.target.id, []).append((here, self.order))
            elif type(statement) is ast.Assign:
                self._expressions((statement.value, *statement.targets), here)
            else:
                self._expressions((statement,), here)

    def _expressions(self, nodes, here):
        for node in nodes:
            for part in ast.walk(node):
                if type(part) is ast.Name:
                    self._name(part, here)

    def _name(self, node, here):
        self.order += 1
        found = self.stores if type(node.ctx) is ast.Store else self.reads
        found.setdefault(node.id, []).append((here, self.order))
        self.within.setdefault(node.id, []).append(here)

    def _is_alone(self, name):
        if len(self.stores[name]) != 1:
            return False
        ((here, order),) = self.stores[name]
        block = here[:-1]
        inside = here[-1][0] if here else None
        for place, position in self.reads.get(name, ()):
            if position < order or place[: len(block)] != block:
                return False
            if inside is not None and (len(place) <= len(block) or place[len(block)][0] != inside):
                return False
        return True

    def _note(self, name, places):
        level = 0
        for depth in range(min(map(len, places))):
            if len({place[depth][0] for place in places}) > 1:
                break
            level = depth
            if len({place[depth][1] for place in places}) > 1:
                break
        last = self.last.setdefault(places[0][level][0], {})
        last[name] = max(place[level][1] for place in places)
