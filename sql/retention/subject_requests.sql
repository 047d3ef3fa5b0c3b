-- model: retention.subject_requests
-- grain: one row per subject that a request touches
-- reads: retention.requests
-- doc: Per subject the days from which requests stop marketing or erase, and the requests' ids, of those that erase also alone; `former_request` stands for
--   those that are no longer there.
SELECT subject_no,
    list_sort(list(received_on) FILTER (stops_marketing)) AS stopped_ons,
    list_sort(list(verified_on) FILTER (erases)) AS erased_ons,
    list_sort(list(DISTINCT coalesce(request_id, 'former_request'))) AS request_ids,
    list_sort(list(DISTINCT coalesce(request_id, 'former_request')) FILTER (erases)) AS erasure_ids
FROM retention.requests
WHERE subject_no IS NOT NULL AND (stops_marketing OR erases)
GROUP BY subject_no
