"""Reports over HTTP."""

from django.http import HttpResponse
from rest_framework.request import Request

from api.idempotency import idempotent
from api.inputs import validated
from api.json import json_response
from api.problems import bad_input, not_found
from api.schema import described
from api.views import BatchedView, inactive_account
from reports import services, targets
from reports.models import Case, Kind, Reason
from reports.schemas import output
from reports.schemas.input import ReportInput
from users.models import User


class ReportsView(BatchedView):
    """Endpoint /api/v1/reports: POST reports a post, a comment or a user to the staff."""

    throttle = "report"

    @described(
        answers={200: output.ReportFiled, 201: output.ReportFiled}, body=ReportInput, problems=("self", "not_found")
    )
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        """Report a post, a comment or a user.

        The staff decides. Repeated for the same thing, it answers 200 and changes nothing.
        """
        given = validated(ReportInput, request.data)
        kind, target_id = Kind[given["kind"].upper()], given["id"]
        filed = services.find_report(reporter_id=self.caller_id, kind=kind, target_id=target_id)
        if filed is not None:  # also where the target has gone since
            return json_response({"id": filed})
        report_id, is_new = self._file(kind, target_id, Reason[given["reason"].upper()], given["text"])
        return json_response({"id": report_id}, status=201 if is_new else 200)

    def _file(self, kind: Kind, target_id: int, reason: Reason, text: str) -> tuple[int, bool]:
        try:
            author_id = targets.author_of(self.caller_id, kind, target_id)
            if author_id == self.caller_id:
                raise bad_input("id", "Nobody reports themselves, or what is their own.", "self")
            return services.file_report(
                reporter_id=self.caller_id,
                kind=kind,
                target_id=target_id,
                author_id=author_id,
                reason=reason,
                text=text,
            )
        except (targets.NotVisible, Case.DoesNotExist):
            raise not_found(f"such {kind.label}") from None
        except User.DoesNotExist:
            raise inactive_account() from None
