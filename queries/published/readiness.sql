-- The readiness of the profiles in the run that a snapshot was published with.
-- reads: published_run
-- grain: one row a perimeter and profile
with run as (
    select
        unnest(
            from_json(
                run -> 'readiness',
                '[{
                    "perimeter": "VARCHAR", "profile": "VARCHAR", "ready": "BOOLEAN", "reasons": ["VARCHAR"],
                    "callers_at_risk": {"estimate": "DOUBLE", "low": "BIGINT", "high": "BIGINT", "of": "BIGINT"},
                    "predicted_denied_share": {"estimate": "DOUBLE", "low": "DOUBLE", "high": "DOUBLE"},
                    "lights": {"callers": "BOOLEAN", "window": "BOOLEAN", "questions": "BOOLEAN"}
                }]'
            )
        ) as profile
    from published_run
)

select
    profile.perimeter,
    profile.profile,
    profile.ready,
    profile.lights.callers as callers_light,
    profile.lights.window as window_light,
    profile.lights.questions as questions_light,
    profile.callers_at_risk.estimate as callers_at_risk,
    profile.callers_at_risk.low as callers_at_risk_low,
    profile.callers_at_risk.high as callers_at_risk_high,
    profile.callers_at_risk.of as callers_of_last_week,
    profile.predicted_denied_share.estimate as predicted_denied_share,
    profile.reasons
from run
