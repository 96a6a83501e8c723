"""The routes of consent. Giving and withdrawing are one request each; each makes an event."""

import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.viewsets import ViewSet

from access.authentication import CallerRequest
from access.permissions import HasScope, IsService
from common import idempotency
from common.api import pagination
from common.api.serializers import validated
from common.api.wire import Response
from common.idempotency import Outcome, replay_headers
from consent import chain, errors, reports
from consent.api import serializers
from consent.models import ConsentChain, ConsentEvent
from consent.services import answers as consent_answers

PURPOSE = OpenApiParameter("purpose", OpenApiTypes.STR, OpenApiParameter.PATH)
OUTDATED = {
    409: OpenApiResponse(
        description="The text that was shown is not the current one: `policy_outdated`, with the"
        " current version."
    )
}
UNKNOWN = {404: OpenApiResponse(description="There is no such purpose: `purpose_unknown`.")}
REQUIRED = {
    422: OpenApiResponse(description="A required purpose cannot be withdrawn: `purpose_required`.")
}


class ConsentViewSet(ViewSet):
    required_scopes = {
        "retrieve": "consent:read",
        "update": "consent:write",
        "give": "consent:write",
        "withdraw": "consent:write",
        "history": "consent:read",
        "as_of": "consent:read",
    }

    @extend_schema(
        parameters=[serializers.LocaleQuery],
        responses=serializers.ConsentResponse,
        tags=["consent"],
    )
    def retrieve(self, request: CallerRequest) -> Response:
        """What the person agrees to now, by purpose, and what they should be asked."""
        return Response(consent_json(request.user_id, locale_of(request), at=timezone.now()))

    @extend_schema(
        parameters=[serializers.LocaleQuery, idempotency.HEADER],
        request=serializers.AnswersRequest,
        operation_id="consent_answer",
        responses={200: serializers.ConsentResponse, **UNKNOWN, **OUTDATED, **REQUIRED},
        tags=["consent"],
    )
    def update(self, request: CallerRequest) -> Response:
        """Answer several purposes in one act, all or nothing.

        A version gives consent to that text, `true` where no text is published; null or false
        withdraws or refuses.
        """
        given = validated(serializers.AnswersRequest, request.data)
        answers = [
            consent_answers.ConsentDecision(
                purpose=purpose,
                granted=answer is not None and answer is not False,
                version=None if isinstance(answer, bool) else answer,
                **given,
            )
            for purpose, answer in given.pop("purposes").items()
        ]
        outcome = self._record(request, answers)
        locale, recorded = locale_of(request), outcome.row
        if not outcome.replayed:
            return Response(consent_json(request.user_id, locale, at=recorded.at))
        purposes = reports.consent_after(
            request.user_id, sequence=recorded.last_sequence, at=recorded.at, locale=locale
        )
        return Response(
            {"user_id": request.user_id, "purposes": purposes}, headers=replay_headers(outcome)
        )

    @extend_schema(
        parameters=[PURPOSE, serializers.LocaleQuery, idempotency.HEADER],
        request=serializers.GiveRequest,
        responses={200: serializers.ItemResponse, **OUTDATED},
        tags=["consent"],
    )
    def give(self, request: CallerRequest, purpose: str) -> Response:
        """Give consent to a purpose, with the version of the text that was shown."""
        given = validated(serializers.GiveRequest, request.data)
        version = given.pop("policy_version", None)
        answer = consent_answers.ConsentDecision(
            purpose=purpose, granted=True, version=version, **given
        )
        outcome = self._record(request, [answer])
        return Response(outcome.row.items[0], headers=replay_headers(outcome))

    @extend_schema(
        parameters=[PURPOSE, serializers.LocaleQuery, idempotency.HEADER],
        responses={200: serializers.ItemResponse, **REQUIRED},
        tags=["consent"],
    )
    def withdraw(self, request: CallerRequest, purpose: str) -> Response:
        """Withdraw consent, or refuse it. Takes no body; holds from the very next request on."""
        answer = consent_answers.ConsentDecision(purpose=purpose, granted=False)
        outcome = self._record(request, [answer])
        return Response(outcome.row.items[0], headers=replay_headers(outcome))

    def _record(
        self, request: CallerRequest, answers: list[consent_answers.ConsentDecision]
    ) -> Outcome[consent_answers.Recorded]:
        return consent_answers.record_answers(
            user_id=request.user_id,
            answers=answers,
            source=ConsentEvent.Source.API,
            actor=request.auth.actor,
            at=timezone.now(),
            locale=locale_of(request),
            request_key=idempotency.request_key(request),
        )

    @extend_schema(
        parameters=[serializers.HistoryQuery], responses=serializers.HistoryPage, tags=["consent"]
    )
    def history(self, request: CallerRequest) -> Response:
        """Everything the person said, in order, with the hashes that prove it.

        docs/consent.md says how to compute them again.
        """
        wanted = validated(serializers.HistoryQuery, request.query_params)
        rows, following = pagination.page(
            request,
            ConsentEvent.objects.for_user(request.user_id).as_rows(),
            order="sequence",
            limit=wanted["limit"],
            cursor=wanted.get("cursor"),
        )
        heads = ConsentChain.objects.for_user(request.user_id)
        return Response(
            {
                "reference": heads.values_list("reference", flat=True).first(),
                "results": [chain.event_json(row) for row in rows],
                "next": following,
            }
        )

    @extend_schema(
        parameters=[serializers.AsOfQuery], responses=serializers.ConsentResponse, tags=["consent"]
    )
    def as_of(self, request: CallerRequest) -> Response:
        """What the person agreed to at a time, by what was recorded until then."""
        wanted = validated(serializers.AsOfQuery, request.query_params)
        purposes = reports.consent_as_of(request.user_id, **wanted)
        return Response({"user_id": request.user_id, "purposes": purposes})


class PersonsViewSet(ViewSet):
    """For an application that asks about many persons: service keys alone."""

    noun = "persons"

    required_scopes = {"query": "consent:read"}
    permission_classes = [HasScope, IsService]
    acts_for_person = False

    @extend_schema(
        request=serializers.QueryRequest,
        responses={200: serializers.QueryResponse, **UNKNOWN},
        tags=["consent"],
    )
    def query(self, request: CallerRequest) -> Response:
        """Who of up to 1,000 persons agrees to a purpose, in the order in which they are named."""
        body = validated(serializers.QueryRequest, request.data)
        user_ids, key = body["user_ids"], body["purpose"]
        at = timezone.now()
        purpose = reports.purposes(at=at, keys=[key]).get(key)
        if purpose is None:
            raise errors.PurposeUnknown(f"There is no purpose {key!r}.")
        states = reports.granting(user_ids, key, at=at)
        items = [reports.item(purpose, states.get(user_id), at=at) for user_id in user_ids]
        return Response(
            {
                "results": [
                    {"user_id": user_id}
                    | {name: item[name] for name in ("granted", "since", "policy_version")}
                    for user_id, item in zip(user_ids, items, strict=True)
                ]
            }
        )


class PolicyViewSet(ViewSet):
    """The texts belong to nobody: no X-User-Id."""

    noun = "text"

    required_scopes = {"list": "consent:read"}
    permission_classes = [HasScope]
    acts_for_person = False

    @extend_schema(
        parameters=[serializers.LocaleQuery],
        responses=serializers.PoliciesResponse,
        tags=["consent"],
    )
    def list(self, request: CallerRequest) -> Response:
        """The current text of each purpose that has one."""
        texts = reports.current_texts(locale=locale_of(request), at=timezone.now())
        return Response({"results": texts})


def locale_of(request: CallerRequest) -> str | None:
    """The `locale` of the query, which holds nothing else."""
    query = validated(serializers.LocaleQuery, request.query_params)
    locale: str | None = query.get("locale")
    return locale


def consent_json(user_id: str, locale: str | None, *, at: datetime.datetime) -> dict[str, Any]:
    return {"user_id": user_id, "purposes": reports.consent_of(user_id, at=at, locale=locale)}
