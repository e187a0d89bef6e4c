from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("studies", "0017_a_try_may_wait_for_a_place"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="output",
            name="output_due",
        ),
        migrations.AddIndex(
            model_name="output",
            index=models.Index(
                condition=models.Q(("state", "due")),
                fields=["system_version", "-attempts", "due_at", "id"],
                name="output_next",
            ),
        ),
    ]
