"""What strategies are called on the screens: as the current draft calls them."""

from __future__ import annotations

from reranking.ui import state
from reranking.views.naming import Naming

NAMING = Naming(lambda strategy: state.label_of(strategy))

title = NAMING.title
with_parameters = NAMING.with_parameters
parameters_and_model = NAMING.parameters_and_model
full_name = NAMING.full_name
short_names = NAMING.short_names
