from decimal import Decimal

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("studies", "0003_connection_limits_and_breaker"),
    ]

    operations = [
        migrations.CreateModel(
            name="Attempt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("lease_key", models.UUIDField(unique=True)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("tokens", models.PositiveIntegerField(default=0)),
                (
                    "cost",
                    models.DecimalField(decimal_places=8, default=Decimal("0"), max_digits=14),
                ),
                ("error_code", models.CharField(blank=True, max_length=50)),
                ("error_message", models.TextField(blank=True)),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.AddField(
            model_name="output",
            name="study",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="ordered_outputs",
                to="studies.study",
            ),
        ),
        migrations.AddField(
            model_name="study",
            name="generation_cap",
            field=models.DecimalField(blank=True, decimal_places=4, max_digits=12, null=True),
        ),
        migrations.AddField(
            model_name="study",
            name="generation_paused_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="output",
            index=models.Index(fields=["study", "state"], name="output_study"),
        ),
        migrations.AddField(
            model_name="attempt",
            name="connection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tries",
                to="studies.connection",
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="output",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="tries",
                to="studies.output",
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="study",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="studies.study",
            ),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["connection", "started_at"], name="attempt_rate"),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["study", "finished_at"], name="attempt_study"),
        ),
    ]
