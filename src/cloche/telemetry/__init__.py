"""What operators see: `logs` (structlog, JSON or console) and `metrics` (every Prometheus series, declared once)."""
