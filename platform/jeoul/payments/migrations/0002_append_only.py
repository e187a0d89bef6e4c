"""What was owed and paid is never changed: PostgreSQL itself refuses it."""

from django.db import migrations


class Migration(migrations.Migration):
    # The function of the trigger is made with the judgements'.
    dependencies = [("payments", "0001_the_ledger"), ("comparisons", "0002_append_only")]

    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER payments_ledgerentry_append_only BEFORE UPDATE OR DELETE ON "
            "payments_ledgerentry FOR EACH ROW EXECUTE FUNCTION jeoul_append_only()",
            "DROP TRIGGER payments_ledgerentry_append_only ON payments_ledgerentry",
        )
    ]
