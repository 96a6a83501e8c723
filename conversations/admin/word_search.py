"""Staff's search by words in all conversations: no dearer, however many have the words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from conversations.models import Conversation, Message
from conversations.search import HasTerms, IsHit, MatchesTerms

# So many hits are taken from the index; of words with more, so many conversations are looked at.
MOST_HITS, LOOKED_AT = 1_000, 250


@dataclass(frozen=True)
class Found:
    """The keys of conversations with the words in their title or in one of their messages.

    With `older_than` only those from that key on were looked at, and a search may go on below it.
    """

    keys: set[int]
    older_than: int | None = None


def find(terms: Sequence[str], *, among: QuerySet[Conversation]) -> Found:
    """All hits; of words with more than MOST_HITS those in the newest conversations `among` these.

    Nothing but their number is known of so many hits, and no index has those of the newest
    conversations: so conversations are looked at instead, the newest first, of which many have such
    words.
    """
    most = MOST_HITS + 1
    titles = Conversation.objects.filter(IsHit(Conversation, terms, at_most=most))
    texts = Message.objects.filter(IsHit(Message, terms, at_most=most))
    hits = [
        *titles.values_list("pk", flat=True)[:most],
        *texts.values_list("conversation_id", flat=True)[:most],
    ]
    if len(hits) <= MOST_HITS:
        return Found(set(hits))
    newest = list(among.order_by("-pk").values_list("pk", flat=True)[:LOOKED_AT])
    titled = Conversation.objects.filter(HasTerms(Conversation, terms), pk__in=newest)
    said = Message.objects.filter(HasTerms(Message, terms), conversation_id__in=newest)
    keys = {
        *titled.values_list("pk", flat=True),
        *said.order_by().values_list("conversation_id", flat=True).distinct(),
    }
    return Found(keys, newest[-1] if len(newest) == LOOKED_AT else None)


def find_all(terms: Sequence[str], *, owner: int) -> Any:
    """The keys of everything with the words, or of this owner: as long as that takes.

    A union, since each part takes its own index; an OR reads every conversation.
    """
    owned = Conversation.objects.filter(person_id=owner).values("pk")
    titles = Conversation.objects.filter(MatchesTerms(Conversation, terms)).values("pk")
    return owned.union(titles, Message.objects.matching(terms).values("conversation_id"))
