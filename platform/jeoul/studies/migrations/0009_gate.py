"""A study's plan may hold the rule of its gate."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("studies", "0008_a_study_names_the_smallest_difference_and_a_pilot")]

    operations = [
        migrations.AddField(
            model_name="study", name="gate", field=models.JSONField(blank=True, null=True)
        )
    ]
