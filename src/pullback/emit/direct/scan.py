"""What is asked of a function's names before any code is written: where each is assigned, read, used last."""

import ast


class Names:
    """The occurrences of the names of a function.

    Attributes:
        alone: names that are assigned once, ahead of and around every place that reads them, so that the
            value itself can stand for the name.
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

    def last(self, root):
        """For each statement list, by `id`, where the last mention is of the names it has for itself.

        Args:
            root: gives the name of what a name is a view of; its views mention it.

        Returns:
            for each list the names that are mentioned nowhere outside of it, with the index of the last of
            its statements that does.
        """
        within = {name: [*places] for name, places in self.within.items()}
        for name, places in self.within.items():
            if (viewed := root(name)) != name and viewed in within:
                within[viewed] += places
        last = {}
        for name, places in within.items():
            _note(last, name, places)
        return last

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


def _note(last, name, places):
    level = 0
    for depth in range(min(map(len, places))):
        if len({place[depth][0] for place in places}) > 1:
            break
        level = depth
        if len({place[depth][1] for place in places}) > 1:
            break
    inside = last.setdefault(places[0][level][0], {})
    inside[name] = max(place[level][1] for place in places)
