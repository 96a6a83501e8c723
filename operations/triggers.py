"""That a person was erased is kept as it was written."""

from common.schema.triggers import append_only
from operations.models import Erasure

TRIGGERS = append_only(Erasure)
