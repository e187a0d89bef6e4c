"""Tokens say what they may do; one that might only read may read and export."""

from django.db import migrations, models

import jeoul.accounts.models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_append_only")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="scopes",
            field=models.JSONField(default=jeoul.accounts.models.all_scopes),
        ),
        migrations.RunSQL(
            """UPDATE accounts_apitoken SET scopes = '["read", "export"]' WHERE read_only""",
            migrations.RunSQL.noop,
        ),
    ]
