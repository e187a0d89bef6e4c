import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("studies", "0004_attempts_and_generation_cap"),
    ]

    operations = [
        migrations.CreateModel(
            name="Run",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("number", models.PositiveIntegerField()),
            ],
            options={
                "ordering": ("number",),
            },
        ),
        migrations.CreateModel(
            name="Watch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("every_hours", models.PositiveIntegerField(default=24)),
                ("active", models.BooleanField(default=True)),
                ("next_at", models.DateTimeField()),
                ("chart", models.TextField(blank=True)),
            ],
            options={
                "verbose_name_plural": "watches",
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="WatchRound",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("number", models.PositiveIntegerField()),
                ("generation", models.PositiveIntegerField()),
                ("finished_at", models.DateTimeField(null=True)),
                ("facts", models.JSONField(default=dict)),
            ],
            options={
                "ordering": ("number",),
            },
        ),
        migrations.AddField(
            model_name="systemversion",
            name="examples",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="run",
            name="amendment",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="run",
                to="studies.amendment",
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="previous",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="studies.systemversion",
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="study",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="runs", to="studies.study"
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="system_version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="studies.systemversion",
            ),
        ),
        migrations.AddField(
            model_name="watch",
            name="owner",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="watches",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="watch",
            name="prompts",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="watches",
                to="studies.promptsetversion",
            ),
        ),
        migrations.AddField(
            model_name="watch",
            name="system_version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="watches",
                to="studies.systemversion",
            ),
        ),
        migrations.AddField(
            model_name="watchround",
            name="watch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="rounds",
                to="studies.watch",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(fields=("study", "number"), name="run_number_once"),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                fields=("study", "system_version"), name="run_version_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="watch",
            constraint=models.UniqueConstraint(
                fields=("system_version", "prompts"), name="watch_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="watchround",
            constraint=models.UniqueConstraint(
                fields=("watch", "number"), name="round_number_once"
            ),
        ),
    ]
