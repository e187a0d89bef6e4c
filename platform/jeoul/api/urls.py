"""Addresses of the machine's door."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from jeoul.api import docs, gate, material, people, reading, studies
from jeoul.api.annotators import ImportKnownItems, StudyCompletion

_V1 = "v1/"
_STUDY = f"{_V1}studies/<uuid:study>/"

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", docs.page, name="api-docs"),
    path(f"{_V1}me/", people.Me.as_view(), name="api-me"),
    path(f"{_V1}tokens/", people.Tokens.as_view()),
    path(f"{_V1}tokens/<uuid:token>/", people.TokenDetail.as_view()),
    path(f"{_V1}vendors/", people.Vendors.as_view()),
    path(f"{_V1}prompt-sets/", material.PromptSets.as_view()),
    path(f"{_V1}prompt-sets/<uuid:prompt_set>/", material.PromptSetDetail.as_view()),
    path(f"{_V1}prompt-sets/<uuid:prompt_set>/prompts/", material.Prompts.as_view()),
    path(f"{_V1}prompt-sets/<uuid:prompt_set>/outputs/", material.PromptSetOutputs.as_view()),
    path(f"{_V1}connections/", material.Connections.as_view()),
    path(f"{_V1}connections/<uuid:connection>/", material.ConnectionDetail.as_view()),
    path(f"{_V1}systems/", material.Systems.as_view()),
    path(f"{_V1}systems/<uuid:system>/", material.SystemDetail.as_view()),
    path(f"{_V1}studies/", studies.Studies.as_view()),
    path(_STUDY, studies.StudyDetail.as_view()),
    path(f"{_STUDY}start/", studies.Start.as_view()),
    path(f"{_STUDY}pause/", studies.Pause.as_view()),
    path(f"{_STUDY}close/", studies.Close.as_view()),
    path(f"{_STUDY}archive/", studies.Archive.as_view()),
    path(f"{_STUDY}plan/", reading.Plan.as_view()),
    path(f"{_STUDY}gate/", gate.Gate.as_view(), name="api-gate"),
    path(f"{_STUDY}members/", people.Members.as_view()),
    path(f"{_STUDY}generate/", studies.Generate.as_view()),
    path(f"{_STUDY}amendments/", studies.Amendments.as_view()),
    path(f"{_STUDY}known-items/import/", ImportKnownItems.as_view()),
    path(f"{_STUDY}completion/", StudyCompletion.as_view()),
    path(f"{_STUDY}invites/", studies.Invites.as_view()),
    path(f"{_STUDY}progress/", reading.Progress.as_view()),
    path(f"{_STUDY}results/", reading.Results.as_view()),
    path(f"{_STUDY}outputs/", reading.Outputs.as_view()),
    path(f"{_STUDY}outputs/<uuid:item>/", reading.OutputDetail.as_view()),
    path(f"{_STUDY}comparisons/", reading.Comparisons.as_view()),
    path(f"{_STUDY}comparisons/<uuid:item>/", reading.ComparisonDetail.as_view()),
    path(f"{_STUDY}judgements/", reading.Judgements.as_view()),
    path(f"{_STUDY}judgements/<uuid:item>/", reading.JudgementDetail.as_view()),
    path(f"{_STUDY}judgements/import/", studies.ImportJudgements.as_view()),
    path(f"{_STUDY}workers/", reading.Workers.as_view()),
    path(f"{_STUDY}workers/<str:worker>/", people.WorkerDetail.as_view()),
    path(f"{_STUDY}enrolments/", people.Enrolments.as_view()),
    path(f"{_STUDY}exclusions/", people.Exclusions.as_view()),
    path(f"{_STUDY}reports/", people.Reports.as_view()),
    path(f"{_STUDY}workers/<str:worker>/exclusion/", studies.Exclude.as_view()),
    path(f"{_STUDY}flags/", reading.Flags.as_view()),
    path(f"{_STUDY}flags/<uuid:flag>/", studies.DecideFlag.as_view()),
    path(f"{_STUDY}audit/", reading.Audit.as_view()),
    path(f"{_STUDY}audit/<uuid:item>/", reading.AuditDetail.as_view()),
    path(f"{_STUDY}exports/<str:what>.<str:form>", reading.Export.as_view()),
]
