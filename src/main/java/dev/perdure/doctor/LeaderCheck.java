package dev.perdure.doctor;

import dev.perdure.database.ServerIdentity;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Check of leadership: the leader, its age, and whether a worker would lead here. */
final class LeaderCheck implements Check {

    private static final double SILENCE_SECONDS = 10;

    @Override
    public String subject() {
        return "leader";
    }

    @Override
    public List<Finding> look(Patient patient) throws SQLException {
        if (!patient.isTrue("SELECT to_regclass('df._worker_epoch') IS NOT NULL")) {
            return List.of();
        }
        String copy = difference(patient);
        if (copy != null) {
            return List.of(Finding.problem(
                    subject(),
                    "workers refuse to work: " + copy,
                    "if this copy shall go on, and no other one will: UPDATE df._epoch SET system_identifier = NULL"));
        }
        List<List<@Nullable String>> terms = patient.rows(
                """
                SELECT date_trunc('second', w.started_at), date_trunc('second', w.last_seen_at),
                       extract(epoch FROM clock_timestamp() - w.last_seen_at),
                       (SELECT coalesce(host(a.client_addr), 'a Unix socket') FROM pg_stat_activity a
                        WHERE a.application_name LIKE 'perdure-leader%' AND a.usename = current_user
                          AND a.datname = current_database()
                          AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted)
                        LIMIT 1)
                FROM df._worker_epoch w""");
        if (terms.isEmpty()) {
            return List.of(nobody(patient, "no worker has led yet"));
        }
        List<@Nullable String> term = terms.get(0);
        return Double.parseDouble(Objects.requireNonNullElse(term.get(2), "Infinity")) > SILENCE_SECONDS
                ? List.of(nobody(patient, "nobody leads; a leader was last seen " + term.get(1)))
                : List.of(Finding.ok(
                        subject(),
                        "a worker leads since " + term.get(0) + ", from "
                                + Objects.requireNonNullElse(term.get(3), "where its session is not to be seen")));
    }

    private Finding nobody(Patient patient, String text) {
        return patient.settings().isNew()
                ? Finding.note(subject(), text, "start a worker")
                : Finding.problem(
                        subject(), text, "start a worker; the health of one that runs says why it does not lead");
    }

    private static @Nullable String difference(Patient patient) throws SQLException {
        List<@Nullable String> here = patient.row(ServerIdentity.SQL);
        List<@Nullable String> there = patient.row("SELECT e.system_identifier, e.database_oid::text FROM df._epoch e");
        if (there.get(0) != null
                && !(Objects.equals(here.get(0), there.get(0)) && Objects.equals(here.get(2), there.get(1)))) {
            return "the schema df was copied here from another server or database (system identifier " + there.get(0)
                    + ", database oid " + there.get(1) + ")";
        }
        List<List<@Nullable String>> origins =
                patient.rows("SELECT o.system_identifier, o.database_oid::text FROM df._origins o");
        for (List<@Nullable String> origin : origins) {
            if (!Objects.equals(here.get(0), origin.get(0)) || !Objects.equals(here.get(2), origin.get(1))) {
                return "rows of schema df were copied here from another server or database (system identifier "
                        + origin.get(0) + ", database oid " + origin.get(1) + ")";
            }
        }
        return null;
    }
}
