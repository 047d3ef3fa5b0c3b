"""What G13 reads of a run: everything that Dagster keeps of it, each event once."""

from pathlib import Path

import dagster as dg
from ajprivacy_pipeline.assets.events import Written


@dg.op
def say(context: dg.OpExecutionContext) -> None:
    """Writes a line."""
    context.log.info("the first line")


@dg.job
def saying() -> None:
    """One step."""
    say()


def test_a_log_that_grows_is_read_to_its_end_each_time(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        run = saying.execute_in_process(instance=instance)
        written = Written(instance, run.run_id)
        for added in ("", "the second line", "the third line"):
            if added:
                instance.report_engine_event(added, run.dagster_run)
            kept = instance.get_run_by_id(run.run_id)
            assert list(written()) == [dg.serialize_value(found) for found in (kept, *instance.all_logs(run.run_id))]
            assert list(written()) == list(written())
            assert added in "\n".join(written())
        assert "the first line" in "\n".join(written())
        assert list(Written(instance, "another run")()) == []
