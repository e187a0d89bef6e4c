from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("studies", "0001_first_tables"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="output",
            name="output_once",
        ),
        migrations.AddField(
            model_name="output",
            name="generation",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="output",
            name="is_current",
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name="output",
            name="model_differs",
            field=models.BooleanField(default=False),
        ),
        migrations.AddConstraint(
            model_name="output",
            constraint=models.UniqueConstraint(
                fields=("system_version", "prompt", "sample", "generation"),
                name="output_once_per_generation",
            ),
        ),
        migrations.AddConstraint(
            model_name="output",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_current", True)),
                fields=("system_version", "prompt", "sample"),
                name="output_once",
            ),
        ),
    ]
