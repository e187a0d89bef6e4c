"""Reports that were made before there was a review list stand on it too."""

import uuid

from django.db import migrations


def fill(apps, schema_editor):
    Report = apps.get_model("risk", "Report")
    ReviewItem = apps.get_model("risk", "ReviewItem")
    ReviewItem.objects.bulk_create(
        (
            ReviewItem(
                uuid=uuid.uuid4(),
                study_id=r.study_id,
                source="report",
                prompt_id=r.prompt_id,
                output_id=r.output_a_id,
                other_id=r.output_b_id,
                report_id=r.pk,
                kinds=[r.reason],
            )
            for r in Report.objects.order_by("pk").iterator()
        ),
        batch_size=1000,
    )


class Migration(migrations.Migration):
    dependencies = [("risk", "0002_scans_and_review")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
