import django.db.models.deletion
from django.db import migrations, models

import access.models


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0008_person_move'),
    ]

    operations = [
        migrations.CreateModel(
            name='StaffAction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token', models.CharField(help_text="The form's, in hex.", max_length=32)),
                ('request_hash', models.CharField(blank=True, help_text='SHA-256, in hex.', max_length=64)),
                ('actor', models.CharField(help_text='Such as staff:<username>.', max_length=200)),
                ('action', models.CharField(help_text='Such as billing.refund.', max_length=100)),
                ('app_label', models.CharField(max_length=100)),
                ('model_name', models.CharField(max_length=100)),
                ('object_id', models.CharField(help_text="The row's inner key.", max_length=100)),
                ('first', models.ForeignKey(db_index=False, help_text="Of several rows of one form, the first one's record.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='others', to='access.staffaction')),
                ('reason', models.TextField(blank=True)),
                ('sentence', models.TextField(blank=True, verbose_name='what was done')),
                ('at', models.DateTimeField(verbose_name='done at')),
                ('person', access.models.PersonField(help_text='Whose row it is.', null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['actor', '-id'], name='staffaction_of_actor'), models.Index(fields=['person', '-id'], name='staffaction_of_person'), models.Index(fields=['action', '-id'], name='staffaction_of_action'), models.Index(fields=['app_label', 'model_name', 'object_id', '-id'], name='staffaction_of_object'), models.Index(fields=['at'], name='staffaction_since'), models.Index(condition=models.Q(('first__isnull', False)), fields=['first'], name='staffaction_of_form')],
                'constraints': [models.UniqueConstraint(fields=('token',), name='access_staffaction_one_of_a_token'), models.CheckConstraint(condition=models.Q(models.Q(('token', ''), _negated=True), models.Q(('actor', ''), _negated=True), models.Q(('action', ''), _negated=True)), name='access_staffaction_names_who_did_what')],
            },
        ),
        migrations.CreateModel(
            name='StaffActionMention',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('action', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mentions', to='access.staffaction')),
                ('person', access.models.PersonField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('person', 'action'), name='access_staffactionmention_once')],
            },
        ),
    ]
