"""Pairs that were left out for harm before anybody was asked which of the two did it: both counted."""

from django.db import migrations

_BOTH = """
UPDATE risk_reviewitem SET violating = 'both'
WHERE verdict = 'removed' AND other_id IS NOT NULL AND violating = ''
AND kinds ?| array['harmful', 'personal_data', 'secret']
"""


class Migration(migrations.Migration):
    dependencies = [("risk", "0006_which_of_two_answers_does_harm")]

    operations = [migrations.RunSQL(_BOTH, migrations.RunSQL.noop)]
