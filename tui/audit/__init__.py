"""`audit`: judges messages of any program, as they lie in files: who could see whom, and where."""

from tui.audit.judging import Exposure, Judgement, Unopened, judge
from tui.audit.stores import Unjudged, messages

__all__ = ["Exposure", "Judgement", "Unjudged", "Unopened", "judge", "messages"]
