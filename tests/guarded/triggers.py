from common.schema.triggers import append_only
from tests.guarded.models import Proof

TRIGGERS = append_only(Proof)
