"""Addresses of the researcher's door."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from jeoul.dashboard.views import (
    account,
    material,
    money,
    people,
    planning,
    results,
    studies,
    watching,
)
from jeoul.dashboard.views.annotators import completion_set, known_items_import, study_way
from jeoul.dashboard.views.gate import study_gate

_STUDY = "studies/<uuid:study>/"

urlpatterns = [
    path("", studies.study_list, name="study-list"),
    path("login/", account.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/", account.account, name="account"),
    path("account/tokens/", account.token_create, name="token-create"),
    path("account/tokens/<uuid:token>/revoke/", account.token_revoke, name="token-revoke"),
    path("studies/new/", studies.study_create, name="study-create"),
    path("studies/plan/", planning.study_plan, name="study-plan"),
    path(_STUDY, studies.study_detail, name="study-detail"),
    path(f"{_STUDY}edit/", studies.study_edit, name="study-edit"),
    path(f"{_STUDY}state/", studies.study_move, name="study-move"),
    path(f"{_STUDY}generate/", studies.study_generate, name="study-generate"),
    path(f"{_STUDY}amend/", studies.study_amend, name="study-amend"),
    path(f"{_STUDY}alerts/route/", watching.alert_route, name="alert-route"),
    path(f"{_STUDY}alerts/<uuid:alert>/seen/", watching.alert_seen, name="alert-seen"),
    path(f"{_STUDY}money/", money.study_money, name="study-money"),
    path(f"{_STUDY}money/to-pay.csv", money.money_list, name="money-list"),
    path(f"{_STUDY}money/<uuid:vendor>/", money.money_step, name="money-step"),
    path(f"{_STUDY}pilot/end/", studies.pilot_end, name="pilot-end"),
    path(f"{_STUDY}members/", studies.member_set, name="member-set"),
    path(f"{_STUDY}invites/", studies.invite_create, name="invite-create"),
    path(f"{_STUDY}annotators/", study_way, name="study-way"),
    path(f"{_STUDY}known-items/", known_items_import, name="known-items-import"),
    path(f"{_STUDY}completion/", completion_set, name="completion-set"),
    path(f"{_STUDY}results/", results.study_results, name="study-results"),
    path(f"{_STUDY}gate/", study_gate, name="study-gate"),
    path(f"{_STUDY}report/", results.study_report, name="study-report"),
    path(f"{_STUDY}charts/<str:name>.<str:form>", results.study_chart, name="study-chart"),
    path(f"{_STUDY}exports/<str:what>.<str:form>", results.study_export, name="study-export"),
    path(f"{_STUDY}comparisons/", results.comparison_list, name="comparison-list"),
    path(
        f"{_STUDY}comparisons/<uuid:comparison>/",
        results.comparison_detail,
        name="comparison-detail",
    ),
    path(f"{_STUDY}outputs/", studies.output_list, name="output-list"),
    path(f"{_STUDY}workers/", people.worker_list, name="worker-list"),
    path(f"{_STUDY}workers/<str:worker>/", people.worker_detail, name="worker-detail"),
    path(f"{_STUDY}workers/<str:worker>/exclude/", people.worker_exclude, name="worker-exclude"),
    path(f"{_STUDY}workers/<str:worker>/include/", people.worker_include, name="worker-include"),
    path(f"{_STUDY}flags/<uuid:flag>/", people.flag_decide, name="flag-decide"),
    path(f"{_STUDY}reports/", people.report_list, name="report-list"),
    path("prompt-sets/", material.prompt_set_list, name="prompt-set-list"),
    path("prompt-sets/new/", material.prompt_set_import, name="prompt-set-import"),
    path("prompt-sets/<uuid:prompt_set>/", material.prompt_set_detail, name="prompt-set-detail"),
    path("prompt-sets/<uuid:prompt_set>/outputs/", material.outputs_import, name="outputs-import"),
    path("systems/", material.system_list, name="system-list"),
    path("systems/new/", material.system_create, name="system-create"),
    path("systems/<uuid:system>/", material.system_detail, name="system-detail"),
    path("connections/new/", material.connection_create, name="connection-create"),
    path("vendors/", people.vendor_list, name="vendor-list"),
]
