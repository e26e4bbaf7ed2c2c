"""What the dashboard of Grafana shows: questions of the person who runs Playhead, and panels.

`dashboard.py` writes them as Grafana reads them. docs/metrics.md describes the metrics.
"""

from typing import Final

from tools.dashboard_parts import (
    PROCESS,
    Query,
    Section,
    draw,
    gauge,
    quantile,
    rate,
    select,
    show,
    stack,
)

RED: Final = "red"
AMBER: Final = "orange"

_ROOM: Final = select("playhead_journal_room_bytes")
_PUT_BYTES: Final = select("playhead_storage_operation_size_bytes_sum", 'operation="put"')
_SLOWEST: Final = quantile(0.95, "playhead_page_seconds", by="route").text

SECTIONS: Final = (
    Section(
        "Is everything all right?",
        (
            show(
                "Processes",
                "Processes that answered when Prometheus asked last.",
                "none",
                f"sum({select('up')})",
            ),
            show(
                "Accepted",
                "Envelopes that were answered with 200 in a second.",
                "reqps",
                f"sum(rate({select('playhead_envelopes_accepted_total')}[5m]))",
            ),
            show(
                "Oldest envelope that waits",
                "Below 1 s is normal; above 60 s digest does not keep up.",
                "s",
                f"max({select('playhead_journal_backlog_oldest_seconds')})",
                ((10, AMBER), (60, RED)),
            ),
            show(
                "Used room of the journal",
                "From 80 % on a person must act; at 100 % nothing is accepted.",
                "percentunit",
                f"max({select('playhead_journal_used_ratio')})",
                ((0.5, AMBER), (0.8, RED)),
            ),
            show(
                "Pages, p95",
                "The time in which 95 of 100 pages are answered.",
                "s",
                "histogram_quantile(0.95, sum by (le) "
                f"(rate({select('playhead_page_seconds_bucket')}[5m])))",
                ((0.5, AMBER), (2, RED)),
            ),
            show(
                "Quarantine",
                "Envelopes that could not be digested and wait for a person.",
                "none",
                f"max({select('playhead_quarantined_envelopes')})",
                ((1, AMBER), (100, RED)),
            ),
        ),
    ),
    Section(
        "Is data coming in?",
        (
            stack(
                "Accepted envelopes",
                "Each is on disk. If one instance falls to zero, what leads to it is broken.",
                "reqps",
                rate("playhead_envelopes_accepted_total", by="instance"),
            ),
            stack(
                "Items kept",
                "What the envelopes held, once it is stored.",
                "cps",
                rate("playhead_items_total", 'outcome="kept"', by="type"),
            ),
            draw(
                "Time to the answer",
                "The time of the journal's disk. Above 0.1 s the disk does not keep up.",
                "s",
                quantile(0.5, "playhead_envelope_answer_seconds"),
                quantile(0.99, "playhead_envelope_answer_seconds"),
                limits=((0.1, AMBER),),
            ),
            stack(
                "Bytes received",
                "Bodies of accepted envelopes, as they were sent.",
                "Bps",
                rate("playhead_envelope_size_bytes_sum", by="instance"),
            ),
            draw(
                "Size of envelopes",
                "As they were sent, which is mostly compressed.",
                "bytes",
                quantile(0.5, "playhead_envelope_size_bytes"),
                quantile(0.95, "playhead_envelope_size_bytes"),
            ),
            draw(
                "Open connections",
                "Of phones and of people; PLAYHEAD_MAX_CONNECTIONS limits them.",
                "none",
                gauge("playhead_connections"),
            ),
        ),
    ),
    Section(
        "Is it digested?",
        (
            draw(
                "Envelopes that wait",
                "A few hundred are normal. If the line climbs, digest waits or is too slow.",
                "none",
                gauge("playhead_journal_backlog_entries"),
            ),
            draw(
                "From receipt to stored",
                "The time until people can see what a phone sent.",
                "s",
                quantile(0.5, "playhead_digest_lag_seconds"),
                quantile(0.99, "playhead_digest_lag_seconds"),
                limits=((60, RED),),
            ),
            draw(
                "Digest waits for Postgres or storage",
                "1 while one of them does not work; their failures are further below.",
                "none",
                gauge("playhead_digest_waits"),
                limits=((1, RED),),
            ),
            draw(
                "Time of a batch, by step",
                "To prepare is work of this process; to store is Postgres and the object store.",
                "s",
                quantile(0.95, "playhead_digest_step_seconds", by="step"),
                quantile(0.95, "playhead_digest_batch_seconds"),
            ),
            draw(
                "Envelopes in a batch",
                "The most is 256: at that size more arrives than is digested.",
                "none",
                quantile(0.5, "playhead_digest_batch_envelopes"),
                quantile(0.95, "playhead_digest_batch_envelopes"),
            ),
            stack(
                "Events that name debug files",
                "`pending` waits for a worker: a file was not on the machine, or time ran out.",
                "cps",
                rate("playhead_symbolicated_events_total", by="result"),
            ),
            draw(
                "Closing of replays is late by",
                "For how long the first replay is due that should be closed and sealed.",
                "s",
                gauge("playhead_closing_late_seconds"),
                limits=((600, AMBER),),
            ),
            draw(
                "Spilled files",
                "What waits longer than a second and lies in the bucket, for other hosts to adopt.",
                "none",
                gauge("playhead_spilled_files"),
            ),
            stack(
                "Adopted from dead hosts",
                "Envelopes of other processes, digested out of the bucket.",
                "cps",
                rate("playhead_adopted_spilled_envelopes_total", by="instance"),
            ),
            draw(
                "Read again, and lost, after a failover",
                "Commits that Postgres has lost: their envelopes are read again from the journal.",
                "none",
                gauge("playhead_journal_entries_read_again_total", "read again"),
                gauge("playhead_journal_entries_lost_total", "lost"),
            ),
        ),
    ),
    Section(
        "How long until the disk is full?",
        (
            draw(
                "Room for journals",
                "Free space less the reserve. With local storage, video fills the same disk.",
                "bytes",
                Query(_ROOM, PROCESS),
            ),
            draw(
                "Time until it is full",
                "If it goes on as in the last six hours. No line: it does not fill.",
                "s",
                Query(f"{_ROOM} / (-1 * deriv({_ROOM}[6h]) > 0)", PROCESS),
            ),
            draw(
                "Put into the object store in a day",
                "At the rate of the last hour.",
                "bytes",
                Query(f"sum(rate({_PUT_BYTES}[1h])) * 86400", "all"),
            ),
        ),
    ),
    Section(
        "What is refused, and why?",
        (
            stack(
                "Refused requests",
                "By status and reason; docs/outcomes.md explains the reasons.",
                "reqps",
                rate("playhead_ingest_answers_total", 'reason!=""', by="status, reason"),
            ),
            stack(
                "Connections closed without an answer",
                "unkept: it could not be kept now, and the phone sends it again.",
                "reqps",
                rate("playhead_hang_ups_total", by="reason"),
            ),
            stack(
                "Items that were not kept",
                "Duplicates are harmless. The page of a project has the same counts.",
                "cps",
                rate("playhead_items_total", 'outcome!="kept"', by="outcome, type, reason"),
            ),
        ),
    ),
    Section(
        "Are pages quick?",
        (
            draw(
                "Time of pages",
                "From the head of the request to the last byte.",
                "s",
                quantile(0.5, "playhead_page_seconds"),
                quantile(0.95, "playhead_page_seconds"),
                quantile(0.99, "playhead_page_seconds"),
            ),
            draw(
                "The slowest pages, p95",
                "By the pattern of their address.",
                "s",
                Query(f"topk(8, {_SLOWEST})", "{{route}}"),
            ),
            stack(
                "Answers of pages",
                "By status. The log has the reason of each 5xx.",
                "reqps",
                rate("playhead_page_requests_total", by="status"),
            ),
            draw(
                "Statements and transactions, p95",
                "Of single statements, and of the time for which a connection is held.",
                "s",
                quantile(0.95, "playhead_database_statement_seconds"),
                quantile(0.95, "playhead_database_transaction_seconds", by="kind"),
            ),
            draw(
                "Wait for a connection to Postgres",
                "More than some milliseconds: all connections are in use.",
                "s",
                quantile(0.95, "playhead_database_wait_seconds"),
                quantile(0.99, "playhead_database_wait_seconds"),
            ),
            draw(
                "Connections to Postgres",
                "PLAYHEAD_DATABASE_CONNECTIONS limits them.",
                "none",
                gauge("playhead_database_connections", "{{state}}"),
            ),
            draw(
                "Object store, p95",
                "By operation, retries included.",
                "s",
                quantile(0.95, "playhead_storage_operation_seconds", by="operation"),
            ),
            draw(
                "Failures of Postgres",
                "Steps that failed because it did not answer or lacked something.",
                "cps",
                rate("playhead_database_failures_total", by="instance"),
            ),
            draw(
                "Failures of the object store",
                "By operation.",
                "cps",
                rate("playhead_storage_operation_failures_total", by="operation"),
            ),
        ),
    ),
    Section(
        "Are people told?",
        (
            stack(
                "Messages",
                "Alerts, tests, invitations, by result. `retried`: it is tried again.",
                "cps",
                rate("playhead_messages_total", by="kind, result"),
            ),
            draw(
                "Late by",
                "The first message that is due, and the first thing that is not judged yet.",
                "s",
                Query(f"max({select('playhead_messages_late_seconds')})", "message"),
                Query(f"max({select('playhead_alert_signals_oldest_seconds')})", "not judged"),
                limits=((300, RED),),
            ),
            draw(
                "Time to the receiver, p95",
                "Of a try, by way; and from writing a message until it was taken.",
                "s",
                quantile(0.95, "playhead_message_try_seconds", by="way"),
                quantile(0.95, "playhead_message_delay_seconds"),
            ),
        ),
    ),
    Section(
        "Which process is unwell?",
        (
            draw(
                "Processor time",
                "1 is one core. A process uses one core and a little more.",
                "none",
                rate("process_cpu_seconds_total", by="instance, worker"),
            ),
            draw(
                "Memory",
                "Resident. 512 MiB is the most that a process is known to need.",
                "bytes",
                gauge("process_resident_memory_bytes"),
                limits=((536_870_912, AMBER),),
            ),
            draw(
                "The event loop is late by, p99",
                "Everything in the process waits for so long. Above 0.25 s something is wrong.",
                "s",
                quantile(0.99, "playhead_event_loop_delay_seconds", by="instance, worker"),
                limits=((0.25, RED),),
            ),
            draw(
                "Open files",
                "The share of what the process may open.",
                "percentunit",
                Query(
                    f"{select('process_open_fds')} / {select('process_max_fds')}", "{{instance}}"
                ),
                limits=((0.8, RED),),
            ),
            draw(
                "Processes by state, and by role",
                "silent: dead. stopped: has left something behind. A role at 0: its work waits.",
                "none",
                Query(f"max by (state) ({select('playhead_processes')})", "{{state}}"),
                Query(f"max by (role) ({select('playhead_processes_by_role')})", "{{role}}"),
            ),
            draw(
                "Problems of processes",
                "dead: nobody owns its journal. gone: nobody took its place. See docs/metrics.md.",
                "none",
                Query(f"max by (problem) ({select('playhead_process_problems')})", "{{problem}}"),
                limits=((1, RED),),
            ),
            draw(
                "Clocks ahead of that of Postgres",
                "More than 2 s is too much.",
                "s",
                Query(
                    f"max by (host) ({select('playhead_process_clock_ahead_seconds')})", "{{host}}"
                ),
            ),
            draw(
                "Running for",
                "The time since each process started.",
                "s",
                Query(f"time() - {select('process_start_time_seconds')}", PROCESS),
            ),
            stack(
                "Roles",
                "Processes with each set of roles: door, pages, worker.",
                "none",
                Query(f"count by (roles) ({select('playhead_process_info')})", "{{roles}}"),
            ),
            stack(
                "Releases",
                "Two of them for longer than an update takes: a process was forgotten.",
                "none",
                Query(f"count by (version) ({select('playhead_build_info')})", "{{version}}"),
            ),
        ),
    ),
)
