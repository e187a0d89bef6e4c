from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("studies", "0016_few_outputs_that_an_analysis_asks_for"),
    ]

    operations = [
        migrations.AddField(
            model_name="attempt",
            name="asked",
            field=models.BooleanField(db_default=True, default=True),
        ),
    ]
