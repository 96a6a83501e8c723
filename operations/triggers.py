"""That a person was erased is kept as it was written."""

from common.guards import append_only
from operations.models import Erasure

GUARDS = append_only(Erasure)
