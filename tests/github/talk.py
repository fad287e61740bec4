"""Issues, comments and labels: what people say, and whom it reaches."""

from __future__ import annotations

from tests.github.held import Held
from tests.github.refusal import Refused
from tests.github.state import Comment, Event, Issue, Label
from tests.github.text import mentioned


class Talk(Held):
    """The verbs of issues, which pull requests have too."""

    def say(self, text: str | None) -> None:
        """A text appears: everybody whom it calls is notified."""
        self.mentioned |= mentioned(text)

    def issue(self, title: str, body: str | None, by: str, labels: list[str] | None = None) -> Issue:
        now = self.github.clock.now
        made = Issue(self.github.next_id(), self.next_number(), title, body, self.github.account(by), now, now)
        self.issues[made.number] = made
        self.say(body)
        for name in labels or []:
            self.label(made.number, name, by)
        return made

    def event(self, number: int, name: str, by: str, label: str | None = None, commit: str | None = None) -> None:
        issue = self.numbered()[number]
        issue.updated_at = self.github.clock.now
        issue.events.append(
            Event(self.github.next_id(), name, self.github.account(by), self.github.clock.now, label, commit)
        )

    def comment(self, number: int, body: str, by: str) -> Comment:
        now = self.github.clock.now
        made = Comment(self.github.next_id(), body, self.github.account(by), now, now)
        self.numbered()[number].comments.append(made)
        self.say(body)
        return made

    def new_label(self, name: str, color: str = "ededed", description: str | None = None) -> Label:
        if self.find_label(name):
            raise Refused(422, "Validation Failed", [{"resource": "Label", "code": "already_exists", "field": "name"}])
        self.labels[name] = Label(self.github.next_id(), name, color, description)
        return self.labels[name]

    def find_label(self, name: str) -> Label | None:
        return next((each for each in self.labels.values() if each.name.lower() == name.lower()), None)

    def label(self, number: int, name: str, by: str) -> None:
        """Puts a label on; one that does not exist is made, as GitHub does."""
        known = self.find_label(name) or self.new_label(name)
        labels = self.numbered()[number].labels
        if known.name not in labels:
            labels.append(known.name)
            self.event(number, "labeled", by, known.name)

    def unlabel(self, number: int, name: str, by: str) -> None:
        found = next((each for each in self.numbered()[number].labels if each.lower() == name.lower()), None)
        if found is None:
            raise Refused(404, "Label does not exist")
        self.numbered()[number].labels.remove(found)
        self.event(number, "unlabeled", by, found)

    def delete_label(self, name: str) -> None:
        """Gone from the repository and from everything that carries it."""
        known = self.find_label(name)
        if known is None:
            raise Refused(404, "Not Found")
        del self.labels[known.name]
        for issue in self.numbered().values():
            issue.labels = [each for each in issue.labels if each != known.name]

    def close(self, number: int, by: str | None = None) -> None:
        issue, who = self.numbered()[number], by or self.owner_login
        if issue.state == "open":
            issue.state, issue.closed_at, issue.closed_by = "closed", self.github.clock.now, self.github.account(who)
            self.event(number, "closed", who)
