from hypothesis import HealthCheck, settings

quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("long", max_examples=20_000, deadline=None, suppress_health_check=quiet)
