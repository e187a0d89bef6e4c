"""What is kept from now on, for comparisons and enrolments that were there before."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("comparisons", "0004_fewer_indexes_and_a_language")]

    operations = [
        migrations.RunSQL(
            """
            UPDATE comparisons_comparison c
            SET language = left(lower(split_part(replace(p.language, '_', '-'), '-', 1)), 10)
            FROM studies_prompt p WHERE p.id = c.prompt_id AND p.language <> ''
            """,
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            """
            UPDATE workers_enrolment e SET given_real = n.real, given_gold = n.gold
            FROM (
                SELECT a.enrolment_id,
                       count(*) FILTER (WHERE c.kind = 'real') AS real,
                       count(*) FILTER (WHERE c.kind = 'gold') AS gold
                FROM comparisons_assignment a
                JOIN comparisons_comparison c ON c.id = a.comparison_id
                GROUP BY a.enrolment_id
            ) n WHERE n.enrolment_id = e.id
            """,
            migrations.RunSQL.noop,
        ),
    ]
