package dev.perdure.faults.ledger;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Compares the tables with the book, when everything should have ended. */
public final class Checker {

    private record Found(String id, String status, @Nullable String output) {}

    private final Map<String, Found> byLabel = new HashMap<>();
    private final Map<String, Effects> effects = new HashMap<>();
    private final Map<String, List<String>> ends = new HashMap<>();
    private final Set<String> unmarked = new HashSet<>();
    private final List<Violation> violations = new ArrayList<>();
    private final Connection connection;

    private Checker(Connection connection) {
        this.connection = connection;
    }

    /**
     * All promises that were not kept.
     *
     * @param superuser a session that sees everything
     */
    public static List<Violation> check(Connection superuser, Book book) throws SQLException {
        Checker checker = new Checker(superuser);
        checker.read();
        checker.read(book.calls());
        for (Entry entry : book.entries()) {
            checker.check(entry);
        }
        checker.limits();
        checker.sections();
        Promises promises = new Promises(superuser, checker.ids(book), checker.violations);
        promises.rate();
        promises.dedupKeys();
        promises.forks(checker.effects);
        checker.effects.forEach((instance, left) ->
                checker.add(Violation.Kind.UNEXPECTED, instance, "effects of an instance that is not there: " + left));
        return checker.violations;
    }

    private Map<Entry, String> ids(Book book) {
        Map<Entry, String> ids = new LinkedHashMap<>();
        for (Entry entry : book.entries()) {
            Found found = byLabel.get(entry.label());
            if (found != null) {
                ids.put(entry, found.id());
            }
        }
        return ids;
    }

    private void read() throws SQLException {
        rows("SELECT label, id, status, output FROM df.instances WHERE label ~ '^f[0-9]+$' AND parent_id IS NULL AND forked_from IS NULL", row -> {
            Found found = new Found(row.getString(2), row.getString(3), row.getString(4));
            Found other = byLabel.put(row.getString(1), found);
            if (other != null) {
                add(Violation.Kind.DOUBLED, other.id(), "a start made two instances, the other is " + found.id());
            }
        });
        rows("SELECT instance, step, count(*) FROM app.effects GROUP BY 1, 2", row -> effects.computeIfAbsent(
                        row.getString(1), id -> new Effects())
                .add(row.getString(2), row.getInt(3)));
        rows("SELECT instance, before, after FROM watch.ends ORDER BY at", row -> ends.computeIfAbsent(
                        row.getString(1), id -> new ArrayList<>())
                .add(row.getString(2) + " -> " + row.getString(3)));
        rows(
                // df.nodes is a view: one instance after the other, of those that have such a step.
                "SELECT i.id FROM df.instances i CROSS JOIN LATERAL (SELECT FROM df.nodes n WHERE n.instance_id = i.id"
                        + " AND n.status = 'completed' AND starts_with(n.query, 'CALL app.record_outside')"
                        + " AND NOT n.status_details ? 'at_least_once') AS n"
                        + " WHERE strpos(i.graph, 'app.record_outside') > 0",
                row -> unmarked.add(row.getString(1)));
    }

    /** From the first to the last effect of an instance it has had its slot. */
    private void limits() throws SQLException {
        rows(
                "WITH spans AS (SELECT s.queue, s.key, e.instance, min(e.began) AS began, max(e.at) AS ended FROM app.effects e"
                        + " JOIN df._starts s ON s.instance_id = e.instance AND s.section = '' WHERE s.queue IS NOT NULL GROUP BY 1, 2, 3)"
                        + " SELECT x.instance, count(*), count(*) FILTER (WHERE y.key = x.key) FROM spans x"
                        + " JOIN spans y ON y.queue = x.queue AND y.began <= x.began AND y.ended >= x.began JOIN df._queues q ON q.id = x.queue"
                        + " GROUP BY x.instance, q.id HAVING count(*) > q.concurrency OR count(*) FILTER (WHERE y.key = x.key) > q.concurrency_per_key",
                row -> add(
                        Violation.Kind.LIMIT,
                        row.getString(1),
                        row.getInt(2) + " of its queue ran when it began, " + row.getInt(3) + " of its key"));
        rows(
                "SELECT s.instance_id FROM df._starts s WHERE s.ended_at IS NULL AND NOT EXISTS (SELECT FROM df._inbox x WHERE x.instance_id = s.instance_id)",
                row -> add(Violation.Kind.LIMIT, row.getString(1), "it has ended and keeps its slot"));
    }

    /** From its first to its last row a section has had its slot; when the first was begun it had begun. */
    private void sections() throws SQLException {
        String spans = "WITH spans AS MATERIALIZED (SELECT e.instance, left(e.step, -2) AS part, left(right(e.step, 3), 1) AS key, min(e.began) AS began,"
                + " max(e.at) AS ended FROM app.effects e WHERE e.step ~ '^" + SectionPart.PREFIX + "[0-9]+[ab]_[12]$' GROUP BY 1, 2, 3)";
        rows(
                spans + " SELECT x.instance, x.part, count(*), count(*) FILTER (WHERE y.key = x.key) FROM spans x"
                        + " JOIN spans y ON y.began <= x.began AND y.ended >= x.began GROUP BY 1, 2"
                        + " HAVING count(*) > " + SectionPart.CONCURRENCY + " OR count(*) FILTER (WHERE y.key = x.key) > " + SectionPart.OF_A_KEY,
                row -> add(
                        Violation.Kind.LIMIT,
                        row.getString(1),
                        row.getInt(3) + " sections ran when " + row.getString(2) + " began, " + row.getInt(4) + " of its key"));
        rows(
                spans + " SELECT x.instance, x.part, x.n FROM (SELECT s.*, count(*) OVER (ORDER BY s.began RANGE BETWEEN CURRENT ROW AND"
                        + " interval '999 milliseconds' FOLLOWING) AS n FROM spans s) AS x WHERE x.n > " + SectionPart.RATE,
                row -> add(
                        Violation.Kind.LIMIT,
                        row.getString(1),
                        row.getInt(3) + " sections began in the second behind the beginning of " + row.getString(2)));
    }

    private void read(Calls calls) {
        Map<String, Calls.Call> byKey = new HashMap<>();
        for (Calls.Call call : calls.counts().keySet()) {
            String key = call.key();
            if (key == null) {
                add(Violation.Kind.IDEMPOTENCY_KEY, call.instance(), call.step() + " was sent without a key");
                continue;
            }
            Calls.Call other = byKey.put(key, call);
            if (other != null) {
                add(Violation.Kind.IDEMPOTENCY_KEY, call.instance(), call.step() + " has the key of " + other);
            }
            effects.computeIfAbsent(call.instance(), id -> new Effects()).called(call.step(), key);
        }
    }

    private void check(Entry entry) throws SQLException {
        Found found = byLabel.get(entry.label());
        if (found == null) {
            absent(entry);
            return;
        }
        Effects left = effects.remove(found.id());
        Effects happened = left == null ? new Effects() : left;
        if (MendedStep.isIn(entry.shape())) {
            happened.redriven();
        }
        Findings findings = (kind, what) -> add(kind, found.id(), what + " (ended " + found.status() + ")");
        switch (entry.fate()) {
            case ROLLED_BACK -> findings.add(Violation.Kind.UNEXPECTED, "its start was rolled back");
            case ABSORBED -> findings.add(Violation.Kind.DOUBLED, "its start had found the instance of its dedup key");
            case LIMITED -> limited(entry, found, happened, findings);
            case STILLBORN -> {
                expect(found, "cancelled");
                entry.shape().check(Extent.NEVER, 1, happened, findings);
            }
            case CANCELLED -> cancelled(entry, found, happened, findings);
            case RUNS -> {
                expect(found, entry.shape().fails() ? "failed" : "completed");
                entry.shape().check(Extent.DONE, 1, happened, findings);
            }
        }
        for (String step : happened.unread()) {
            findings.add(Violation.Kind.UNEXPECTED, "it has no step " + step);
        }
        if (!MendedStep.isIn(entry.shape())) {
            endedOnce(found);
        }
        if (unmarked.contains(found.id())) {
            findings.add(Violation.Kind.UNMARKED, "a CALL that committed by itself");
        }
    }

    private void absent(Entry entry) {
        boolean isMeantTo = entry.fate() == Entry.Fate.ROLLED_BACK || entry.fate() == Entry.Fate.ABSORBED;
        if (!isMeantTo && !entry.canVanish()) {
            add(Violation.Kind.LOST, String.valueOf(entry.id()), "its start (" + entry.label() + ") was acknowledged");
        }
        // The id of one that was absorbed is that of the other one.
        Effects left = entry.id() == null || entry.fate() == Entry.Fate.ABSORBED ? null : effects.remove(entry.id());
        if (left != null) {
            add(Violation.Kind.UNEXPECTED, String.valueOf(entry.id()), "it is not there and took effect: " + left);
        }
    }

    private void limited(Entry entry, Found found, Effects happened, Findings findings) {
        boolean isOver = found.output() != null && found.output().startsWith("Timed out: the deadline of the instance");
        expect(found, isOver ? "failed" : "completed");
        entry.shape().check(isOver ? Extent.PARTLY : Extent.DONE, 1, happened, findings);
    }

    private void cancelled(Entry entry, Found found, Effects happened, Findings findings) throws SQLException {
        if (found.status().equals("cancelled")) {
            expect(found, "cancelled");
            entry.shape().check(Extent.PARTLY, 1, happened, findings);
            afterCancellation(entry, found, findings);
        } else {
            // It had ended before it was cancelled.
            expect(found, entry.shape().fails() ? "failed" : "completed");
            entry.shape().check(Extent.DONE, 1, happened, findings);
        }
    }

    /**
     * A worker learns of a cancellation by the next checkpoint at the latest, so that each branch can begin one more transaction. Items of a
     * map and called children have checkpoints of their own: they go on until the owner has read of it.
     */
    private void afterCancellation(Entry entry, Found found, Findings findings) throws SQLException {
        if (entry.cancelledBefore() == null) {
            return;
        }
        int transactions = 0;
        try (var statement = connection.prepareStatement(
                "SELECT count(DISTINCT xid) FROM app.effects WHERE instance = ? AND began > ? AND step NOT LIKE"
                        + " 'o%' AND step NOT LIKE 'm%' AND step NOT LIKE 'k%' AND NOT starts_with(step, '" + SagaPart.PREFIX + "')")) {
            statement.setString(1, found.id());
            statement.setObject(2, entry.cancelledBefore());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                transactions = row.getInt(1);
            }
        }
        if (transactions > entry.shape().width()) {
            findings.add(
                    Violation.Kind.UNEXPECTED,
                    transactions + " transactions began after it was cancelled; it has "
                            + entry.shape().width() + " branches");
        }
    }

    private void expect(Found found, String status) {
        if (found.status().equals("pending") || found.status().equals("running")) {
            add(Violation.Kind.STUCK, found.id(), "it is still " + found.status());
        } else if (!found.status().equals(status)) {
            add(
                    Violation.Kind.WRONG_END,
                    found.id(),
                    "it ended " + found.status() + " instead of " + status + ": " + found.output());
        } else if (found.output() == null) {
            add(Violation.Kind.STUCK, found.id(), "it is " + status + " and was never wound up");
        }
    }

    private void endedOnce(Found found) {
        List<String> seen = ends.getOrDefault(found.id(), List.of());
        if (seen.size() > 1) {
            add(Violation.Kind.ENDED_AGAIN, found.id(), String.join(", ", seen));
        }
    }

    private void add(Violation.Kind kind, String instance, String what) {
        violations.add(new Violation(kind, instance, what));
    }

    private interface RowReader {
        void read(ResultSet row) throws SQLException;
    }

    private void rows(String sql, RowReader reader) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                reader.read(rows);
            }
        }
    }
}
