package dev.perdure.faults.ledger;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What is promised of several instances together: a rate, dedup keys, forks. */
final class Promises {

    private final Connection superuser;
    /** The id of the instance of each entry that has one. */
    private final Map<Entry, String> ids;

    private final Collection<Violation> found;

    Promises(Connection superuser, Map<Entry, String> ids, Collection<Violation> found) {
        this.superuser = superuser;
        this.ids = ids;
        this.found = found;
    }

    /** Of those whose first step leaves a row: when that was begun the instance had begun. */
    void rate() throws SQLException {
        List<String> beginning = new ArrayList<>();
        ids.forEach((entry, id) -> {
            if (beginsWithStep(entry.shape())) {
                beginning.add(id);
            }
        });
        String sql = "WITH firsts AS (SELECT e.instance, min(e.began) AS began FROM app.effects e JOIN df._starts s ON s.instance_id = e.instance"
                + " AND s.section = '' JOIN df._queues q ON q.id = s.queue AND q.rate IS NOT NULL WHERE e.instance = ANY (?) GROUP BY 1)"
                + " SELECT w.instance, w.n FROM (SELECT f.instance, count(*) OVER (ORDER BY f.began RANGE BETWEEN CURRENT ROW AND"
                + " interval '999 milliseconds' FOLLOWING) AS n FROM firsts f) AS w WHERE w.n > " + LedgerTables.RATE;
        rows(sql, beginning, row -> found.add(new Violation(
                Violation.Kind.LIMIT,
                row.getString(1),
                row.getInt(2) + " of its queue began in the second behind its beginning")));
    }

    private static boolean beginsWithStep(Shape shape) {
        return shape instanceof SqlStep
                || shape instanceof Sequence sequence && beginsWithStep(sequence.parts().get(0));
    }

    /** Of one key no two run at the same time. */
    void dedupKeys() throws SQLException {
        Map<String, List<String>> ofKey = new HashMap<>();
        ids.forEach((entry, id) -> {
            if (entry.dedupKey() != null) {
                ofKey.computeIfAbsent(entry.dedupKey(), key -> new ArrayList<>()).add(id);
            }
        });
        String sql = "WITH spans AS (SELECT e.instance, min(e.began) AS began, max(e.at) AS ended FROM app.effects e WHERE e.instance = ANY (?)"
                + " GROUP BY 1) SELECT x.instance, y.instance FROM spans x JOIN spans y ON y.instance <> x.instance"
                + " AND y.began <= x.began AND y.ended >= x.began";
        for (List<String> same : ofKey.values()) {
            if (same.size() > 1) {
                rows(sql, same, row -> found.add(new Violation(
                        Violation.Kind.LIMIT, row.getString(1), "it began while " + row.getString(2) + " held its dedup key")));
            }
        }
    }

    /** Each fork has ended as it had to, and is of one that was to be forked; those that somebody was told of are there. */
    void forks(Map<String, Effects> effects) throws SQLException {
        Map<String, Entry> sources = new HashMap<>();
        ids.forEach((entry, id) -> {
            if (entry.shape() instanceof ForkedPart) {
                sources.put(id, entry);
            }
        });
        Set<String> seen = new HashSet<>();
        rows("SELECT id, forked_from, status, output FROM df.instances WHERE forked_from = ANY (?)", sources.keySet(), row -> {
            String id = row.getString(1);
            seen.add(id);
            Effects left = effects.remove(id);
            Effects happened = left == null ? new Effects() : left;
            if (!"completed".equals(row.getString(3))) {
                found.add(new Violation(
                        Violation.Kind.WRONG_END, id, "the fork of " + row.getString(2) + " is " + row.getString(3) + ": " + row.getString(4)));
            }
            ForkedPart.checkFork(happened, (kind, what) -> found.add(new Violation(kind, id, what + " (a fork)")));
            for (String step : happened.unread()) {
                found.add(new Violation(Violation.Kind.UNEXPECTED, id, "a fork has no step " + step));
            }
        });
        for (Entry source : sources.values()) {
            for (String fork : source.forks()) {
                if (!seen.contains(fork) && !source.canVanish()) {
                    found.add(new Violation(Violation.Kind.LOST, fork, "the fork of " + source.id() + " was acknowledged"));
                }
            }
        }
    }

    private interface RowReader {
        void read(ResultSet row) throws SQLException;
    }

    private void rows(String sql, Collection<String> instances, RowReader reader) throws SQLException {
        try (PreparedStatement statement = superuser.prepareStatement(sql)) {
            statement.setArray(1, superuser.createArrayOf("text", instances.toArray()));
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    reader.read(rows);
                }
            }
        }
    }
}
