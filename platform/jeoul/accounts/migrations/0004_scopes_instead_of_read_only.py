"""The scopes say it all."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_token_scopes")]

    operations = [migrations.RemoveField(model_name="apitoken", name="read_only")]
