"""How long a spec's programs take, and what kernels cost on this machine."""

from __future__ import annotations

from specc.bench.cache import calibrated_costs as calibrated_costs
