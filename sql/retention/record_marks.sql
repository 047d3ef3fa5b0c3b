-- model: retention.record_marks
-- grain: one row per record that a fault, a released orphan or a guest's request marks
-- reads: retention.faults, retention.faulty_guests, retention.released_faults, retention.guest_requests
-- doc: What stands against single records, in one place, so that a decision looks each record up once: is_faulty, a value
--   does not fit, of a guest's records also as retention.faulty_guests says; is_released, a person released its dangling ids; of guests, erased_ons and freezes of their requests.
WITH marks AS (
    SELECT entity, record_id, true AS is_faulty, false AS is_released, NULL::DATE[] AS erased_ons, 0 AS freezes FROM retention.faults
    UNION ALL
    SELECT held_entity, held_id, true, false, NULL, 0 FROM retention.faulty_guests
    UNION ALL
    SELECT entity, record_id, false, true, NULL, 0 FROM retention.released_faults WHERE "freeze" = '{{ freeze.orphan.name }}'
    UNION ALL
    SELECT entity, record_id, false, false, erased_ons, freezes FROM retention.guest_requests
)
SELECT entity, record_id, bool_or(is_faulty) AS is_faulty, bool_or(is_released) AS is_released,
    any_value(erased_ons) AS erased_ons, bit_or(coalesce(freezes, 0)) AS freezes
FROM marks
GROUP BY entity, record_id
