"""Comparisons that were counted before disputes were kept, as jeoul.results.disputes has them."""

from django.db import migrations

_DISPUTED = """
INSERT INTO results_dispute (comparison_id, study_id, place)
SELECT comparison_id, study_id, 1000 * (1000 - (4000 * a * b / (n * n))) + GREATEST(0, 999 - n)
FROM (
    SELECT j.comparison_id, j.study_id, COUNT(*) AS n,
           COUNT(*) FILTER (WHERE s.outcome = 0) AS a,
           COUNT(*) FILTER (WHERE s.outcome = 1) AS b
    FROM comparisons_judgement j
    JOIN comparisons_assignment h ON h.id = j.assignment_id AND h.repeat = 0
    JOIN comparisons_answer s ON s.judgement_id = j.id
    JOIN studies_criterion c ON c.id = s.criterion_id AND c.is_overall
    WHERE NOT EXISTS (SELECT FROM comparisons_judgement l WHERE l.supersedes_id = j.id)
    GROUP BY 1, 2
) votes WHERE a > 0 AND b > 0
"""


class Migration(migrations.Migration):
    dependencies = [("results", "0004_disputed_comparisons_in_order")]

    operations = [migrations.RunSQL(_DISPUTED, "DELETE FROM results_dispute")]
