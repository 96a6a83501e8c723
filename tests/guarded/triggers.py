from common.guards import append_only
from tests.guarded.models import Proof

GUARDS = append_only(Proof)
