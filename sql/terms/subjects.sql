-- model: terms.subjects
-- grain: one row per subject that is asked about
-- params: subject_nos
-- reads: retention.subjects
-- doc: Whom the other models of this layer look at; they run when somebody asks, not with the month.
SELECT * FROM retention.subjects WHERE subject_no IN (SELECT unnest($subject_nos))
